// A relying party made of openid-client. The Go test beside it drives the browser: it writes one line of JSON with the client's
// registration, gets back one with the authorization URL, writes one with the URL that the browser was sent back to, and gets
// one with everything the library found.
import * as oidc from 'openid-client';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (value) => console.log(JSON.stringify(value));

// refused runs what must fail and says how.
async function refused(what) {
  try {
    await what();
  } catch (err) {
    return { error: err.error ?? null, code: err.code ?? null, status: err.status ?? err.response?.status ?? null };
  }
  return { error: 'accepted', code: null, status: null };
}

const client = await read();
const config = await oidc.discovery(
  new URL(client.issuer),
  client.id,
  undefined,
  client.secret ? (client.post ? oidc.ClientSecretPost : oidc.ClientSecretBasic)(client.secret) : oidc.None(),
  { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] },
);
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const parameters = {
  redirect_uri: client.redirect_uri,
  scope: 'openid profile email offline_access',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  acr_values: client.acr_values,
  max_age: 600,
};
const url = oidc.buildAuthorizationUrl(config, parameters);
write({ url: url.href, pkce: config.serverMetadata().supportsPKCE() });

// The library compares state and iss, checks signature, iss, aud, exp, iat, nonce, at_hash and auth_time against max_age.
const callback = new URL((await read()).callback);
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge: 600, idTokenExpected: true };
const wrongState = await refused(() => oidc.authorizationCodeGrant(config, callback, { ...checks, expectedState: 'another' }));
const otherIssuer = new URL(callback);
otherIssuer.searchParams.set('iss', 'https://evil.example');
const wrongIssuer = await refused(() => oidc.authorizationCodeGrant(config, otherIssuer, checks));
const noIssuer = new URL(callback);
noIssuer.searchParams.delete('iss');
const missingIssuer = await refused(() => oidc.authorizationCodeGrant(config, noIssuer, checks));

const tokens = await oidc.authorizationCodeGrant(config, callback, checks);
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
const confidential = Boolean(client.secret);
const introspect = async (token) => (confidential ? await oidc.tokenIntrospection(config, token) : null);
const introspected = await introspect(tokens.access_token);

const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
const formerAccess = await introspect(tokens.access_token);
const narrowed = await oidc.refreshTokenGrant(config, refreshed.refresh_token, { scope: 'openid' });

await oidc.tokenRevocation(config, narrowed.access_token);
const revokedUserinfo = await refused(() => oidc.fetchUserInfo(config, narrowed.access_token, claims.sub));
await oidc.tokenRevocation(config, narrowed.refresh_token);
const revokedRefresh = await refused(() => oidc.refreshTokenGrant(config, narrowed.refresh_token));
const replayedCode = await refused(() => oidc.authorizationCodeGrant(config, callback, checks));

const endSession = oidc.buildEndSessionUrl(config, {
  post_logout_redirect_uri: client.post_logout_redirect_uri ?? '',
  id_token_hint: narrowed.id_token,
  state: 'bye',
});
write({
  claims, userinfo, introspected, formerAccess, scope: tokens.scope, narrowedScope: narrowed.scope,
  refreshedClaims: refreshed.claims(), tokenType: tokens.token_type, expiresIn: tokens.expires_in, rotated: refreshed.refresh_token !== tokens.refresh_token,
  wrongState, wrongIssuer, missingIssuer, revokedUserinfo, revokedRefresh, replayedCode, endSession: endSession.href,
});
process.exit(0);
