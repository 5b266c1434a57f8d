<?php

use App\OpenID;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

app()->singleton(OpenID::class, fn () => new OpenID(...config('services.futakagi')));

Route::get('/login', fn (Request $request, OpenID $openid) => $openid->begin(
    $request, $request->has('step_up') ? ['acr_values' => 'urn:futakagi:acr:2fa'] : [],
));
Route::get('/callback', function (Request $request, OpenID $openid) {
    $openid->finish($request);

    return redirect()->intended('/me');
});
Route::post('/logout', fn (Request $request, OpenID $openid) => $openid->end($request, config('app.url').'/bye'));
