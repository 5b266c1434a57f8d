// A site made of Auth.js, as Next.js uses it: a handler of node in place of the framework. The Go test beside it writes one line of
// JSON with the client's registration, gets back the site's address, and goes there with a browser.
import { Auth, skipCSRFCheck } from '@auth/core';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
const env = {
  AUTH_FUTAKAGI_ISSUER: settings.issuer, AUTH_FUTAKAGI_ID: settings.id, AUTH_FUTAKAGI_SECRET: settings.secret,
  AUTH_SECRET: settings.cookie_secret, REFRESH_AHEAD: settings.refresh_ahead,
};

// [guide:config]
const futakagi = {
  id: 'futakagi',
  name: 'Futakagi',
  type: 'oidc',
  issuer: env.AUTH_FUTAKAGI_ISSUER,
  clientId: env.AUTH_FUTAKAGI_ID,
  clientSecret: env.AUTH_FUTAKAGI_SECRET,
  checks: ['pkce', 'state', 'nonce'],
  client: { token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'ES256' },
  authorization: { params: { scope: 'openid profile email offline_access' } },
};

const config = {
  providers: [futakagi],
  secret: env.AUTH_SECRET,
  trustHost: true,
  callbacks: {
    // The session's cookie is encrypted, so that tokens may be kept in it.
    async jwt({ token, account, profile }) {
      if (account) {
        return {
          ...token, sub: profile.sub, acr: profile.acr, amr: profile.amr, idToken: account.id_token,
          accessToken: account.access_token, refreshToken: account.refresh_token, expiresAt: account.expires_at,
        };
      }
      return Date.now() / 1000 < token.expiresAt - env.REFRESH_AHEAD ? token : refresh(token);
    },
    session({ session, token }) {
      return { ...session, user: { ...session.user, id: token.sub, acr: token.acr, amr: token.amr }, error: token.error };
    },
  },
};

// refresh uses the refresh token once: the answer brings the next one, and the former is spent. null signs the person out of the site.
async function refresh(token) {
  const response = await fetch(`${env.AUTH_FUTAKAGI_ISSUER}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${encodeURIComponent(env.AUTH_FUTAKAGI_ID)}:${encodeURIComponent(env.AUTH_FUTAKAGI_SECRET)}`)}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token.refreshToken }),
  });
  if (response.status === 400) return null;
  if (!response.ok) return token; // the provider is away for the moment
  const next = await response.json();
  return {
    ...token, idToken: next.id_token, accessToken: next.access_token, refreshToken: next.refresh_token ?? token.refreshToken,
    expiresAt: Math.floor(Date.now() / 1000) + next.expires_in,
  };
}

// logoutURL is where the browser goes after the site's own sign-out, to end the provider's session too.
function logoutURL(token, backTo) {
  return `${env.AUTH_FUTAKAGI_ISSUER}/logout?${new URLSearchParams({ id_token_hint: token.idToken, post_logout_redirect_uri: backTo })}`;
}
// [/guide:config]

// What a framework would do from here on: a request of node to one of the web and back.
const { getToken } = await import('@auth/core/jwt');
const site = { ...config, basePath: '/auth', logger: { error: (e) => console.error(`${e.name}: ${e.cause?.err?.message ?? e.message}`) } };
const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const origin = `http://${req.headers.host}`;
  const body = req.method === 'POST' ? Buffer.concat(chunks) : undefined;
  const request = new Request(new URL(req.url, origin), { method: req.method, headers: req.headers, body });
  if (req.url === '/logout') {
    const token = await getToken({ req: request, secret: env.AUTH_SECRET });
    res.writeHead(303, { location: logoutURL(token, `${origin}/bye`), 'set-cookie': 'authjs.session-token=; Path=/; Max-Age=0' }).end();
    return;
  }
  if (req.url === '/login') {
    // What signIn() of a framework does on the server: a sign-in that begins with a redirect.
    const begin = new Request(`${origin}/auth/signin/futakagi`, {
      method: 'POST', headers: { cookie: req.headers.cookie ?? '' }, body: new URLSearchParams({ callbackUrl: `${origin}/auth/session` }),
    });
    const response = await Auth(begin, { ...site, skipCSRFCheck });
    res.writeHead(response.status, [...response.headers].flat()).end();
    return;
  }
  if (req.url === '/token') {
    // For the test: what the site holds.
    res.end(JSON.stringify(await getToken({ req: request, secret: env.AUTH_SECRET })));
    return;
  }
  if (!req.url.startsWith('/auth/')) {
    res.end('{}');
    return;
  }
  const response = await Auth(request, site);
  res.writeHead(response.status, [...response.headers].flat());
  res.end(Buffer.from(await response.arrayBuffer()));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
// The end of the input is the end of the site.
await lines.next();
process.exit(0);
