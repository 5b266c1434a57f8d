import { redirect } from 'next/navigation';
import { auth } from '../../auth';

// What the site knows of whoever is signed in.
export async function GET() {
  const session = await auth();
  if (!session) redirect('/login');
  const { id, ...user } = session.user;
  return Response.json({ sub: id, ...user });
}
