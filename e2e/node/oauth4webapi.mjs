// A relying party made of oauth4webapi. The Go test beside it drives the browser: it writes one line of JSON with the client's
// registration. For each sign-in it writes the parameters to ask with, gets back the authorization URL, writes the URL that the browser
// was sent back to, and gets what the library found. At the end it asks for the URL that signs out.
import * as oauth from 'oauth4webapi';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
};
const write = (value) => console.log(JSON.stringify(value));

const registration = await read();
const insecure = { [oauth.allowInsecureRequests]: true }; // the test's provider is on loopback, without TLS
const issuer = new URL(registration.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
const client = { client_id: registration.id, id_token_signed_response_alg: 'ES256' };
const authentication = oauth.ClientSecretBasic(registration.secret);

// verified checks the signature against the provider's keys too, which the library leaves to those who want it.
async function verified(response, options) {
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, options);
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  return tokens;
}

let tokens;
for (let asked = await read(); asked && !asked.logout; asked = await read()) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id, redirect_uri: registration.redirect_uri, response_type: 'code', scope: 'openid profile offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce, ...asked,
  }).toString();
  write({ url: url.href });

  const { callback } = await read();
  const params = oauth.validateAuthResponse(as, client, new URL(callback), state); // state and iss
  const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, params, registration.redirect_uri, verifier, insecure);
  tokens = await verified(response, {
    expectedNonce: nonce, requireIdToken: true, ...(asked.max_age ? { maxAge: Number(asked.max_age) } : {}), // auth_time has to fit
  });
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const userinfo = await oauth.processUserInfoResponse(
    as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token, insecure),
  );
  const refreshed = await oauth.processRefreshTokenResponse(
    as, client, await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, insecure),
  );
  write({
    claims, userinfo, refreshed: oauth.getValidatedIdTokenClaims(refreshed), rotated: refreshed.refresh_token !== tokens.refresh_token,
  });
  tokens = refreshed;
}
const end = new URL(as.end_session_endpoint);
end.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: registration.post_logout_redirect_uri, state: 'bye' }).toString();
write({ url: end.href });
process.exit(0);
