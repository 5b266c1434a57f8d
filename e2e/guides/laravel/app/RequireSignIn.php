<?php

namespace App;

use Closure;
use Illuminate\Http\Request;

/** Lets signed-in people to a page, and with "2fa" those who proved that much; the others come back when they have. */
final class RequireSignIn
{
    public const ENOUGH = ['urn:futakagi:acr:2fa', 'phr'];

    public function handle(Request $request, Closure $next, string $level = '')
    {
        $user = $request->session()->get('user');
        if ($user && ($level === '' || in_array($user['acr'] ?? '', self::ENOUGH, true))) {
            return $next($request);
        }

        return redirect()->guest($level === '' ? '/login' : '/login?step_up=1');
    }
}
