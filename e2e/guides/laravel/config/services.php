<?php

return [
    'futakagi' => [
        'issuer' => env('FUTAKAGI_ISSUER'), // https://auth.example.jp
        'id' => env('FUTAKAGI_CLIENT'),
        'secret' => env('FUTAKAGI_SECRET'),
        'callback' => env('APP_URL').'/callback',
    ],
];
