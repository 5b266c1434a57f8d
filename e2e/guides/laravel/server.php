<?php

// The files of the guide in as little of an application as can be, on Debian's packages.
require 'GuzzleHttp/autoload.php';
require 'Illuminate/autoload.php';
require 'phpseclib3/autoload.php';
require __DIR__.'/app/OpenID.php';
require __DIR__.'/app/RequireSignIn.php';

use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as KernelContract;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Foundation\Http\Kernel;
use Illuminate\Foundation\Support\Providers\RouteServiceProvider;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

final class SiteKernel extends Kernel
{
    protected $middlewareGroups = ['web' => [
        Illuminate\Cookie\Middleware\EncryptCookies::class,
        Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse::class,
        Illuminate\Session\Middleware\StartSession::class,
        Illuminate\Foundation\Http\Middleware\VerifyCsrfToken::class,
        Illuminate\Routing\Middleware\SubstituteBindings::class,
    ]];
}

final class SiteRoutes extends RouteServiceProvider
{
    public function map(): void
    {
        Route::middleware('web')->group(base_path('routes/web.php'));
    }
}

$app = new Application(__DIR__);
$app->useStoragePath(getenv('STORAGE'));
$app->singleton(KernelContract::class, SiteKernel::class);
$app->singleton(ExceptionHandler::class, Handler::class);
$app->booting(fn () => $app->register(SiteRoutes::class));

$kernel = $app->make(KernelContract::class);
$request = Request::capture();
$response = $kernel->handle($request);
$response->send();
$kernel->terminate($request, $response);
