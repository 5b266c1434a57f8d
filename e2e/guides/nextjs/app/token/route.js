import { getToken } from 'next-auth/jwt';
import { cookieName } from '../../auth';

// For the test: what the site holds, as whatever is behind the proxy sees it.
export async function GET(request) {
  return Response.json(await getToken({ req: request, secret: process.env.AUTH_SECRET, cookieName, salt: cookieName }));
}
