<?php

namespace App;

use Illuminate\Http\RedirectResponse;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Cache;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Str;
use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Crypt\RSA;

/** A relying party: code flow with PKCE, state, nonce and iss, and ID tokens signed with RS256. */
final class OpenID
{
    public function __construct(private string $issuer, private string $id, private string $secret, private string $callback)
    {
    }

    /** Sends the browser to the provider. More may be acr_values, max_age or prompt. */
    public function begin(Request $request, array $more = []): RedirectResponse
    {
        $login = ['state' => Str::random(40), 'nonce' => Str::random(40), 'verifier' => Str::random(64)];
        $request->session()->put('openid', $login);

        return redirect()->away($this->endpoint('authorization_endpoint').'?'.http_build_query($more + [
            'response_type' => 'code', 'client_id' => $this->id, 'redirect_uri' => $this->callback, 'scope' => 'openid profile email',
            'state' => $login['state'], 'nonce' => $login['nonce'],
            'code_challenge' => self::encode(hash('sha256', $login['verifier'], true)), 'code_challenge_method' => 'S256',
        ]));
    }

    /** Takes the answer, once, and leaves whom it is about in a new session. */
    public function finish(Request $request): void
    {
        $login = $request->session()->pull('openid');
        abort_unless($login && hash_equals($login['state'], (string) $request->query('state')), 403, 'state');
        abort_unless($request->query('iss') === $this->issuer, 403, 'iss'); // RFC 9207
        abort_if($request->has('error'), 403, 'error');

        $tokens = Http::withBasicAuth(urlencode($this->id), urlencode($this->secret))->asForm()->post($this->endpoint('token_endpoint'), [
            'grant_type' => 'authorization_code', 'code' => (string) $request->query('code'), 'redirect_uri' => $this->callback,
            'code_verifier' => $login['verifier'],
        ]);
        abort_unless($tokens->successful(), 403, 'token');
        $access = (string) $tokens->json('access_token');
        $claims = $this->verified((string) $tokens->json('id_token'), $login['nonce'], $access);
        $userinfo = Http::withToken($access)->get($this->endpoint('userinfo_endpoint'))->throw()->json();
        abort_unless($userinfo['sub'] === $claims['sub'], 403, 'sub');

        $request->session()->regenerate();
        $request->session()->put(['user' => $claims + $userinfo, 'id_token' => $tokens->json('id_token')]);
    }

    /** Ends the session here, and the provider's. */
    public function end(Request $request, string $backTo): RedirectResponse
    {
        $hint = $request->session()->get('id_token');
        $request->session()->invalidate();

        return redirect()->away($this->endpoint('end_session_endpoint').'?'.http_build_query([
            'id_token_hint' => $hint, 'client_id' => $this->id, 'post_logout_redirect_uri' => $backTo,
        ]));
    }

    /** The claims of an ID token (OpenID Connect Core 3.1.3.7, 3.1.3.8). */
    private function verified(string $token, string $nonce, string $accessToken): array
    {
        abort_unless(substr_count($token, '.') === 2, 403, 'id_token');
        [$header, $payload, $signature] = explode('.', $token);
        $head = json_decode(self::decode($header), true);
        abort_unless(($head['alg'] ?? '') === 'RS256', 403, 'alg');
        $keys = Http::get($this->endpoint('jwks_uri'))->throw()->json('keys');
        $key = collect($keys)->first(fn ($k) => $k['kty'] === 'RSA' && ($k['kid'] ?? '') === ($head['kid'] ?? null));
        abort_unless($key, 403, 'kid');
        $public = PublicKeyLoader::load(json_encode($key))->withHash('sha256')->withPadding(RSA::SIGNATURE_PKCS1);
        abort_unless($public->verify("$header.$payload", self::decode($signature)), 403, 'signature');

        $claims = json_decode(self::decode($payload), true);
        $now = time();
        $half = substr(hash('sha256', $accessToken, true), 0, 16);
        foreach ([
            'iss' => ($claims['iss'] ?? '') === $this->issuer,
            'aud' => (array) ($claims['aud'] ?? []) === [$this->id],
            'exp' => ($claims['exp'] ?? 0) > $now,
            'iat' => abs($now - ($claims['iat'] ?? 0)) < 300,
            'nonce' => ($claims['nonce'] ?? '') === $nonce,
            'sub' => is_string($claims['sub'] ?? null) && $claims['sub'] !== '',
            'at_hash' => ($claims['at_hash'] ?? '') === self::encode($half),
        ] as $claim => $holds) {
            abort_unless($holds, 403, $claim);
        }

        return $claims;
    }

    private function endpoint(string $name): string
    {
        $metadata = Cache::remember('openid', 3600, fn () => Http::get("$this->issuer/.well-known/openid-configuration")->throw()->json());
        abort_unless($metadata['issuer'] === $this->issuer, 502, 'issuer');

        return $metadata[$name];
    }

    private static function encode(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }

    private static function decode(string $text): string
    {
        return (string) base64_decode(strtr($text, '-_', '+/'), true);
    }
}
