import { getToken } from 'next-auth/jwt';
import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { cookieName, signOut } from '../../auth';
import { logoutURL } from '../../futakagi.mjs';

export default function Out() {
  async function end() {
    'use server';
    const token = await getToken({ req: { headers: await headers() }, secret: process.env.AUTH_SECRET, cookieName, salt: cookieName });
    await signOut({ redirect: false });
    redirect(token ? logoutURL(token, `${process.env.AUTH_URL}/bye`) : '/bye');
  }
  return <form action={end}><button>ログアウト</button></form>;
}
