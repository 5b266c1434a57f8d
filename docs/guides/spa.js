import { UserManager, WebStorageStateStore } from 'oidc-client-ts';

// [guide:config]
export function newManager(settings) {
  return new UserManager({
    authority: settings.issuer,
    client_id: settings.clientID,
    redirect_uri: `${location.origin}/callback`,
    post_logout_redirect_uri: `${location.origin}/`,
    scope: 'openid profile offline_access',
    // Tokens are renewed with the refresh token, without frames and third-party cookies.
    automaticSilentRenew: settings.renew,
    accessTokenExpiringNotificationTimeInSeconds: settings.renewAhead ?? 60,
    // The library takes acr and amr out of the profile unless told which claims to take out.
    filterProtocolClaims: ['nbf', 'jti', 'nonce', 'azp', 'at_hash'],
    // The tab keeps them: another tab signs in for itself, which the provider's session makes a matter of one redirect.
    userStore: new WebStorageStateStore({ store: sessionStorage }),
  });
}

// finish is called at /callback. It checks state and nonce, redeems the code, and takes the answer out of the address bar.
export async function finish(manager) {
  const user = await manager.signinCallback();
  history.replaceState(null, '', '/');
  return user;
}

// signIn with acr asks for a step-up: whoever has proved enough already comes back at once.
export const signIn = (manager, acr) => manager.signinRedirect(acr ? { acr_values: acr } : {});

export const signOut = (manager) => manager.signoutRedirect();
// [/guide:config]
