// A site made of Auth.js with the configuration of the guide, and a handler of node in place of a framework. The Go test beside it
// writes one line of JSON with the client's registration, gets back the site's address, and goes there with a browser.
import { Auth, skipCSRFCheck } from '@auth/core';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
Object.assign(process.env, {
  AUTH_FUTAKAGI_ISSUER: settings.issuer, AUTH_FUTAKAGI_ID: settings.id, AUTH_FUTAKAGI_SECRET: settings.secret,
  AUTH_SECRET: settings.cookie_secret, REFRESH_AHEAD: settings.refresh_ahead,
});
const { config, isStale, logoutURL, refresh } = await import('../guides/nextjs/futakagi.mjs');

// Here every answer carries the session's cookie back, so that the session can renew its tokens by itself.
async function jwt(args) {
  const token = await config.callbacks.jwt(args);
  return !args.account && isStale(token) ? refresh(token) : token;
}

// What a framework would do from here on: a request of node to one of the web and back.
const { getToken } = await import('@auth/core/jwt');
const site = {
  ...config, basePath: '/auth', callbacks: { ...config.callbacks, jwt },
  logger: { error: (e) => console.error(`${e.name}: ${e.cause?.err?.message ?? e.message}`) },
};
const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const origin = `http://${req.headers.host}`;
  const body = req.method === 'POST' ? Buffer.concat(chunks) : undefined;
  const request = new Request(new URL(req.url, origin), { method: req.method, headers: req.headers, body });
  if (req.url === '/logout') {
    const token = await getToken({ req: request, secret: config.secret });
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
    res.end(JSON.stringify(await getToken({ req: request, secret: config.secret })));
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
