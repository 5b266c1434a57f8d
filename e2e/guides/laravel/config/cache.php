<?php

return ['default' => 'file', 'prefix' => 'site', 'stores' => ['file' => ['driver' => 'file', 'path' => storage_path('cache')]]];
