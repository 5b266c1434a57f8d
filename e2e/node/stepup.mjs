// A relying party made of openid-client that a protected resource sends to a step-up (RFC 9470). The Go test beside it drives the browser:
// it writes one line of JSON with the client's registration and the resource's address. Twice it gets an authorization URL and writes
// the URL that the browser was sent back to; it gets what the library found, and what the resource answered.
import * as oidc from 'openid-client';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (value) => console.log(JSON.stringify(value));

const client = await read();
const config = await oidc.discovery(new URL(client.issuer), client.id, undefined, oidc.ClientSecretBasic(client.secret), {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
});

async function signIn(asked) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: client.redirect_uri, scope: 'openid', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    state, nonce, ...asked,
  });
  write({ url: url.href });
  const { callback } = await read();
  // maxAge: the library compares auth_time with what was asked for.
  return oidc.authorizationCodeGrant(config, new URL(callback), {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
    ...(asked.max_age ? { maxAge: Number(asked.max_age) } : {}),
  });
}

// call returns the challenge of a resource that wants more, or nothing if it is content.
async function call(tokens) {
  try {
    await oidc.fetchProtectedResource(config, tokens.access_token, new URL(client.resource), 'GET');
    return null;
  } catch (err) {
    if (!(err instanceof oidc.WWWAuthenticateChallengeError)) throw err;
    return err.cause.find(({ parameters }) => parameters.error === 'insufficient_user_authentication').parameters;
  }
}

let asked = {};
for (let i = 0; i < 2; i++) {
  const tokens = await signIn(asked);
  const challenge = await call(tokens);
  write({ claims: tokens.claims(), userinfo: await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), challenge });
  if (challenge) asked = { acr_values: challenge.acr_values, max_age: challenge.max_age };
}
process.exit(0);
