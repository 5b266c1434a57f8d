import { redirect } from 'next/navigation';
import { auth } from '../../auth';
import { reaches } from '../../futakagi.mjs';

export default async function Orders() {
  const session = await auth();
  if (!reaches(session)) redirect('/login?step_up=1&back=/orders');
  return <p>{session.user.acr}</p>;
}
