import NextAuth from 'next-auth';
import { config } from './futakagi.mjs';

export const { handlers, auth, signIn, signOut } = NextAuth(config);

// Where the session is kept: what getToken and encode have to be told.
export const secure = process.env.AUTH_URL.startsWith('https:');
export const cookieName = `${secure ? '__Secure-' : ''}authjs.session-token`;
