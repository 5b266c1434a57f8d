<?php

return ['default' => 'stderr', 'channels' => ['stderr' => [
    'driver' => 'monolog', 'level' => 'warning', 'handler' => Monolog\Handler\StreamHandler::class, 'with' => ['stream' => 'php://stderr'],
]]];
