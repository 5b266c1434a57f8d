<?php

use App\RequireSignIn;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

require __DIR__.'/openid.php';

// A site that tells people what it knows of them.
Route::get('/me', fn (Request $request) => response()->json(session('user')))->middleware(RequireSignIn::class);
Route::get('/orders', fn (Request $request) => response()->json(session('user')))->middleware(RequireSignIn::class.':2fa');
Route::get('/out', fn () => response('<form method="post" action="/logout">'.csrf_field().'<button>ログアウト</button></form>'));
Route::get('/bye', fn () => response('bye'));
