import { signIn } from '../../auth';

// For the check: a sign-in that begins with a redirect.
export async function GET() {
  await signIn('futakagi', { redirectTo: '/me' });
}
