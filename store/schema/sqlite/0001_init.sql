-- +goose Up

-- People and the companies they buy for.

CREATE TABLE customers (
    id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    search_key TEXT NOT NULL, -- code and name, folded for LIKE
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX customers_code ON customers (code);

CREATE TABLE user_groups (
    id TEXT NOT NULL PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX user_groups_name ON user_groups (customer_id, name);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,            -- store | operator
    login_id TEXT NOT NULL,        -- as typed at creation, for display
    login_key TEXT NOT NULL,       -- folded, what sign-in looks up
    display_name TEXT NOT NULL,
    search_key TEXT NOT NULL,      -- login id, name and registered address, folded for LIKE
    role TEXT NOT NULL,
    user_group_id TEXT REFERENCES user_groups (id), -- store accounts only
    password_hash TEXT NOT NULL,
    registered_email TEXT NOT NULL,
    two_factor TEXT NOT NULL,      -- use | dont_use: the stored choice, which outlives enforcement
    credential_epoch INTEGER NOT NULL, -- raised by every reset and password change; older evidence is void
    disabled_at INTEGER,
    last_sign_in_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_login_key ON accounts (kind, login_key);
CREATE INDEX accounts_user_group ON accounts (user_group_id);

-- Where a sign-in policy applies.

CREATE TABLE surfaces (
    id TEXT NOT NULL PRIMARY KEY,           -- store | admin | …
    account_kind TEXT NOT NULL,    -- which accounts sign in here
    enforced INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Second factors.

CREATE TABLE factors (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL,            -- email
    address TEXT NOT NULL,
    main INTEGER NOT NULL,
    failures INTEGER NOT NULL,      -- wrong codes in a row, over all challenges and sessions
    disabled_at INTEGER,       -- too many failures in a row
    verified_at INTEGER NOT NULL,
    last_used_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX factors_account_kind ON factors (account_id, kind);

CREATE TABLE challenges (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    purpose TEXT NOT NULL,         -- signin | enrol | change
    flow_id TEXT,                  -- the attempt it belongs to: a flow …
    session_id TEXT,               -- … or a session, never both
    factor_id TEXT,                -- the factor proved; null while one is being set up
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    code_mac BLOB NOT NULL,
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    voided_at INTEGER,
    used_at INTEGER
) STRICT;
CREATE INDEX challenges_account ON challenges (account_id, created_at);
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE backup_batches (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    codes_sealed BLOB,            -- until the person says they are saved
    created_at INTEGER NOT NULL,
    voided_at INTEGER
) STRICT;
CREATE UNIQUE INDEX backup_batches_current ON backup_batches (account_id) WHERE voided_at IS NULL;

CREATE TABLE backup_codes (
    batch_id TEXT NOT NULL REFERENCES backup_batches (id) ON DELETE CASCADE,
    selector TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (batch_id, selector)
) STRICT;

CREATE TABLE trusted_devices (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX trusted_devices_secret ON trusted_devices (secret_hash);
CREATE INDEX trusted_devices_account ON trusted_devices (account_id);

-- Counters that survive sessions, restarts and replicas.

CREATE TABLE throttles (
    key TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    blocked_until INTEGER
) STRICT;

CREATE TABLE budgets (
    key TEXT NOT NULL PRIMARY KEY,          -- what is limited and the window it is counted in
    used INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX budgets_expiry ON budgets (expires_at);

-- Sign-in.

CREATE TABLE flows (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    surface_id TEXT NOT NULL,
    client_id TEXT,                -- null: the console or the self-service page
    request TEXT NOT NULL,        -- the validated authorization request
    return_to TEXT NOT NULL,       -- where an internal flow ends
    locale TEXT NOT NULL,
    login_hint TEXT NOT NULL,
    required_level INTEGER NOT NULL, -- what the relying party asked for
    evidence_after INTEGER,    -- older evidence does not count (max_age, prompt=login, fresh proof)
    all_factors INTEGER NOT NULL,  -- an enrolled factor must be proved even where policy asks for none
    account_id TEXT,
    credential_epoch INTEGER,
    session_id TEXT,               -- the session to step up
    evidence TEXT NOT NULL,
    backup_batch_id TEXT,          -- codes made in this flow that are still to be shown
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX flows_account ON flows (account_id);
CREATE INDEX flows_expiry ON flows (expires_at);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,           -- the sid of tokens
    token_hash BLOB NOT NULL,
    account_id TEXT NOT NULL,
    account_kind TEXT NOT NULL,
    credential_epoch INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    client_address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- The protocol.

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    surface_id TEXT NOT NULL,
    auth_method TEXT NOT NULL,     -- client_secret_basic | client_secret_post | none
    secret_hash BLOB,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    scopes TEXT NOT NULL,
    id_token_alg TEXT NOT NULL,    -- ES256 | RS256 | EdDSA
    require_pkce INTEGER NOT NULL,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,           -- kid
    alg TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    private_sealed BLOB,          -- erased when the key retires
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    retired_at INTEGER,        -- stops signing, stays published
    published_until INTEGER
) STRICT;

CREATE TABLE keysets (
    name TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- One grant is one authorization code and everything issued from it (the token family).
-- No foreign keys: these rows are written on the hot path and swept in batches.
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    surface_id TEXT NOT NULL,
    credential_epoch INTEGER NOT NULL,
    second_factor INTEGER NOT NULL, -- the evidence holds a second factor
    scope TEXT NOT NULL,
    nonce TEXT NOT NULL,
    evidence TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_hash BLOB NOT NULL,
    code_challenge TEXT NOT NULL,
    code_expires_at INTEGER NOT NULL,
    redeemed_at INTEGER,
    redemption_id TEXT,            -- the token set the code bought
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, -- absolute end of the family
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX grants_code ON grants (code_hash);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_expiry ON grants (expires_at);

-- What one answer of the token endpoint handed out: an access token and perhaps a refresh token.
CREATE TABLE token_sets (
    id TEXT NOT NULL PRIMARY KEY,
    grant_id TEXT,                 -- null: client_credentials
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    access_hash BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    access_revoked_at INTEGER,
    refresh_hash BLOB,
    refresh_expires_at INTEGER,
    refresh_used_at INTEGER,
    successor_id TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL -- when the row can be swept
) STRICT;
CREATE UNIQUE INDEX token_sets_access ON token_sets (access_hash);
CREATE UNIQUE INDEX token_sets_refresh ON token_sets (refresh_hash);
CREATE INDEX token_sets_grant ON token_sets (grant_id);
CREATE INDEX token_sets_expiry ON token_sets (expires_at);

-- Messages on their way, and what became of them.

CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,         -- email
    kind TEXT NOT NULL,            -- code | notice kinds
    account_id TEXT,
    challenge_id TEXT,
    recipient TEXT NOT NULL,
    payload_sealed BLOB,          -- erased once sent or given up
    state TEXT NOT NULL,           -- queued | accepted | failed | expired | cancelled
    attempts INTEGER NOT NULL,
    available_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    leased_until INTEGER,
    lease_owner TEXT,
    reply TEXT NOT NULL,           -- the last answer of the mail server
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX outbox_queue ON outbox (available_at) WHERE state = 'queued';
CREATE INDEX outbox_created ON outbox (created_at, id);
CREATE INDEX outbox_account ON outbox (account_id, created_at);
CREATE INDEX outbox_challenge ON outbox (challenge_id);

CREATE TABLE audit_events (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    result TEXT NOT NULL,          -- success | failure | refused
    reason TEXT NOT NULL,
    actor_kind TEXT NOT NULL,      -- account | operator | client | system | anonymous
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    account_id TEXT,
    target TEXT NOT NULL,          -- what it was done to, for people to read
    client_id TEXT NOT NULL,
    client_address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_at ON audit_events (at, id);
CREATE INDEX audit_events_account ON audit_events (account_id, at);

INSERT INTO surfaces (id, account_kind, enforced, updated_at) VALUES
    ('store', 'store', 0, 1767225600000000),
    ('admin', 'operator', 0, 1767225600000000);
