import { encode, getToken } from 'next-auth/jwt';
import { NextResponse } from 'next/server';
import { cookieName, secure } from './auth';
import { isStale, refresh } from './futakagi.mjs';

const secret = process.env.AUTH_SECRET;
const attributes = { httpOnly: true, sameSite: 'lax', path: '/', secure, maxAge: 30 * 24 * 60 * 60 };
const running = new Map(); // of two requests at once one refreshes, and both go on with what it got

export default async function proxy(request) {
  const token = await getToken({ req: request, secret, cookieName, salt: cookieName });
  if (!token || !isStale(token)) return NextResponse.next();
  const key = token.refreshToken;
  if (!running.has(key)) running.set(key, refresh(token).finally(() => setTimeout(() => running.delete(key), 10_000)));
  const next = await running.get(key);
  if (!next) {
    request.cookies.delete(cookieName);
    const response = NextResponse.next({ request });
    response.cookies.set(cookieName, '', { ...attributes, maxAge: 0 });
    return response;
  }
  // The page behind this request and the browser both get the new one.
  const value = await encode({ token: next, secret, salt: cookieName, maxAge: attributes.maxAge });
  request.cookies.set(cookieName, value);
  const response = NextResponse.next({ request });
  response.cookies.set(cookieName, value, attributes);
  return response;
}

export const config = { matcher: ['/((?!api/auth|_next/|favicon.ico).*)'] };
