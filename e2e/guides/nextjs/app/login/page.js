import { signIn } from '../../auth';

export default async function Login({ searchParams }) {
  const { back, step_up: stepUp } = await searchParams;
  async function begin() {
    'use server';
    await signIn('futakagi', { redirectTo: back ?? '/me' }, stepUp ? { acr_values: 'urn:futakagi:acr:2fa' } : {});
  }
  return <form action={begin}><button>ログイン</button></form>;
}
