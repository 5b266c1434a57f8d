// [guide:config]
const env = process.env;

export const config = {
  providers: [{
    id: 'futakagi',
    name: 'Futakagi',
    type: 'oidc',
    issuer: env.AUTH_FUTAKAGI_ISSUER,
    clientId: env.AUTH_FUTAKAGI_ID,
    clientSecret: env.AUTH_FUTAKAGI_SECRET,
    checks: ['pkce', 'state', 'nonce'],
    client: { token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'ES256' },
    authorization: { params: { scope: 'openid profile email offline_access' } },
  }],
  secret: env.AUTH_SECRET,
  trustHost: true,
  callbacks: {
    // The session's cookie is encrypted, so that tokens may be kept in it.
    async jwt({ token, account, profile }) {
      if (!account) return token;
      return {
        ...token, sub: profile.sub, acr: profile.acr, amr: profile.amr, idToken: account.id_token,
        accessToken: account.access_token, refreshToken: account.refresh_token, expiresAt: account.expires_at,
      };
    },
    session({ session, token }) {
      return { ...session, user: { ...session.user, id: token.sub, acr: token.acr, amr: token.amr } };
    },
  },
};

// reaches says whether a session has proved a second factor that does not travel by mail.
export const reaches = (session) => ['urn:futakagi:acr:2fa', 'phr'].includes(session?.user?.acr);

// isStale says whether a token is to be refreshed: REFRESH_AHEAD is some seconds, such as 60.
export const isStale = (token) => Date.now() / 1000 >= token.expiresAt - (env.REFRESH_AHEAD ?? 60);

// refresh uses the refresh token once: the answer brings the next one, and the former is spent. null signs the person out of the site.
export async function refresh(token) {
  const response = await fetch(`${env.AUTH_FUTAKAGI_ISSUER}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${encodeURIComponent(env.AUTH_FUTAKAGI_ID)}:${encodeURIComponent(env.AUTH_FUTAKAGI_SECRET)}`)}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token.refreshToken }),
  }).catch(() => undefined);
  if (response?.status === 400) return null;
  if (!response?.ok) return token; // the provider is away for the moment
  const next = await response.json();
  return {
    ...token, idToken: next.id_token, accessToken: next.access_token, refreshToken: next.refresh_token ?? token.refreshToken,
    expiresAt: Math.floor(Date.now() / 1000) + next.expires_in,
  };
}

// logoutURL is where the browser goes after the site's own sign-out, to end the provider's session too.
export function logoutURL(token, backTo) {
  return `${env.AUTH_FUTAKAGI_ISSUER}/logout?${new URLSearchParams({ id_token_hint: token.idToken, post_logout_redirect_uri: backTo })}`;
}
// [/guide:config]
