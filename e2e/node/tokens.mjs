// A relying party made of openid-client that reads what its tokens say. The Go test beside it drives the browser: it writes one line
// of JSON with the client's registration and gets back what discovery told. For each sign-in it then asks for an authorization URL,
// hands over the URL that the browser was sent back to, and gets everything that the library found.
import * as oidc from 'openid-client';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
};
const write = (value) => console.log(JSON.stringify(value));

const part = (token, i) => JSON.parse(Buffer.from(token.split('.')[i], 'base64url'));

// hashFits says whether the ID token's at_hash is that of the access token (OpenID Connect Core 3.1.3.6; all our hashes here are
// SHA-256): the library does not look at it in the code flow.
function hashFits(tokens) {
  const half = createHash('sha256').update(tokens.access_token).digest().subarray(0, 16);
  return tokens.claims().at_hash === half.toString('base64url');
}

const client = await read();
const config = await oidc.discovery(new URL(client.issuer), client.id, undefined, oidc.ClientSecretBasic(client.secret), {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
});
const metadata = config.serverMetadata();
write({
  acrValues: metadata.acr_values_supported, claimsParameter: metadata.claims_parameter_supported, claims: metadata.claims_supported,
  prompts: metadata.prompt_values_supported,
});

for (let asked = await read(); asked; asked = await read()) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: client.redirect_uri,
    scope: 'openid offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...asked,
  });
  write({ url: url.href });

  // The library compares state, iss and nonce, checks signature, iss, aud, exp and iat, and wants an auth_time no older than maxAge.
  const { callback } = await read();
  const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge: 3600, idTokenExpected: true,
  });
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  const introspection = await oidc.tokenIntrospection(config, tokens.access_token);
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  write({
    alg: part(tokens.id_token, 0).alg, nonceFits: claims.nonce === nonce, hashFits: hashFits(tokens) && hashFits(refreshed),
    claims, userinfo, introspection, refreshed: refreshed.claims(),
    refreshedUserinfo: await oidc.fetchUserInfo(config, refreshed.access_token, claims.sub),
    refreshedIntrospection: await oidc.tokenIntrospection(config, refreshed.access_token),
  });
}
process.exit(0);
