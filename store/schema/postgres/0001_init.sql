-- +goose Up

-- People and the companies they buy for.

CREATE TABLE customers (
    id uuid PRIMARY KEY,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    search_key text NOT NULL, -- code and name, folded for LIKE
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX customers_code ON customers (code);

CREATE TABLE user_groups (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX user_groups_name ON user_groups (customer_id, name);

CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    kind text NOT NULL,            -- store | operator
    login_id text NOT NULL,        -- as typed at creation, for display
    login_key text COLLATE "C" NOT NULL,  -- folded, what sign-in looks up
    display_name text NOT NULL,
    search_key text NOT NULL,      -- login id, name and registered address, folded for LIKE
    role text NOT NULL,
    user_group_id uuid REFERENCES user_groups (id), -- store accounts only
    password_hash text NOT NULL,
    registered_email text NOT NULL,
    two_factor text NOT NULL,      -- use | dont_use: the stored choice, which outlives enforcement
    credential_epoch bigint NOT NULL, -- raised by every reset and password change; older evidence is void
    disabled_at timestamptz,
    last_sign_in_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX accounts_login_key ON accounts (kind, login_key);
CREATE INDEX accounts_user_group ON accounts (user_group_id);

-- Where a sign-in policy applies.

CREATE TABLE surfaces (
    id text COLLATE "C" PRIMARY KEY,           -- store | admin | …
    account_kind text NOT NULL,    -- which accounts sign in here
    enforced boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Second factors.

CREATE TABLE factors (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    kind text NOT NULL,            -- email
    address text NOT NULL,
    main boolean NOT NULL,
    failures bigint NOT NULL,      -- wrong codes in a row, over all challenges and sessions
    disabled_at timestamptz,       -- too many failures in a row
    verified_at timestamptz NOT NULL,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX factors_account_kind ON factors (account_id, kind);

CREATE TABLE challenges (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    purpose text NOT NULL,         -- signin | enrol | change
    flow_id uuid,                  -- the attempt it belongs to: a flow …
    session_id uuid,               -- … or a session, never both
    factor_id uuid,                -- the factor proved; null while one is being set up
    kind text NOT NULL,
    address text NOT NULL,
    code_mac bytea NOT NULL,
    tries bigint NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    voided_at timestamptz,
    used_at timestamptz
);
CREATE INDEX challenges_account ON challenges (account_id, created_at);
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE backup_batches (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    codes_sealed bytea,            -- until the person says they are saved
    created_at timestamptz NOT NULL,
    voided_at timestamptz
);
CREATE UNIQUE INDEX backup_batches_current ON backup_batches (account_id) WHERE voided_at IS NULL;

CREATE TABLE backup_codes (
    batch_id uuid NOT NULL REFERENCES backup_batches (id) ON DELETE CASCADE,
    selector text NOT NULL,
    code_hash text NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (batch_id, selector)
);

CREATE TABLE trusted_devices (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX trusted_devices_secret ON trusted_devices (secret_hash);
CREATE INDEX trusted_devices_account ON trusted_devices (account_id);

-- Counters that survive sessions, restarts and replicas.

CREATE TABLE throttles (
    key text PRIMARY KEY,
    failures bigint NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz
);

CREATE TABLE budgets (
    key text PRIMARY KEY,          -- what is limited and the window it is counted in
    used bigint NOT NULL,
    last_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX budgets_expiry ON budgets (expires_at);

-- Sign-in.

CREATE TABLE flows (
    id uuid PRIMARY KEY,
    secret_hash bytea NOT NULL,
    surface_id text NOT NULL,
    client_id text,                -- null: the console or the self-service page
    request jsonb NOT NULL,        -- the validated authorization request
    return_to text NOT NULL,       -- where an internal flow ends
    locale text NOT NULL,
    login_hint text NOT NULL,
    required_level bigint NOT NULL, -- what the relying party asked for
    evidence_after timestamptz,    -- older evidence does not count (max_age, prompt=login, fresh proof)
    all_factors boolean NOT NULL,  -- an enrolled factor must be proved even where policy asks for none
    account_id uuid,
    credential_epoch bigint,
    session_id uuid,               -- the session to step up
    evidence jsonb NOT NULL,
    backup_batch_id uuid,          -- codes made in this flow that are still to be shown
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX flows_account ON flows (account_id);
CREATE INDEX flows_expiry ON flows (expires_at);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,           -- the sid of tokens
    token_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    account_kind text NOT NULL,
    credential_epoch bigint NOT NULL,
    evidence jsonb NOT NULL,
    client_address text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- The protocol.

CREATE TABLE clients (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    surface_id text NOT NULL,
    auth_method text NOT NULL,     -- client_secret_basic | client_secret_post | none
    secret_hash bytea,
    redirect_uris jsonb NOT NULL,
    post_logout_redirect_uris jsonb NOT NULL,
    grant_types jsonb NOT NULL,
    scopes jsonb NOT NULL,
    id_token_alg text NOT NULL,    -- ES256 | RS256 | EdDSA
    require_pkce boolean NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE signing_keys (
    id text COLLATE "C" PRIMARY KEY,           -- kid
    alg text COLLATE "C" NOT NULL,
    public_jwk jsonb NOT NULL,
    private_sealed bytea,          -- erased when the key retires
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL,
    retired_at timestamptz,        -- stops signing, stays published
    published_until timestamptz
);

CREATE TABLE keysets (
    name text PRIMARY KEY,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- One grant is one authorization code and everything issued from it (the token family).
-- No foreign keys: these rows are written on the hot path and swept in batches.
CREATE TABLE grants (
    id uuid PRIMARY KEY,
    client_id text NOT NULL,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    surface_id text NOT NULL,
    credential_epoch bigint NOT NULL,
    second_factor boolean NOT NULL, -- the evidence holds a second factor
    scope text NOT NULL,
    nonce text NOT NULL,
    evidence jsonb NOT NULL,
    redirect_uri text NOT NULL,
    code_hash bytea NOT NULL,
    code_challenge text NOT NULL,
    code_expires_at timestamptz NOT NULL,
    redeemed_at timestamptz,
    redemption_id uuid,            -- the token set the code bought
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL, -- absolute end of the family
    revoked_at timestamptz
);
CREATE UNIQUE INDEX grants_code ON grants (code_hash);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_expiry ON grants (expires_at);

-- What one answer of the token endpoint handed out: an access token and perhaps a refresh token.
CREATE TABLE token_sets (
    id uuid PRIMARY KEY,
    grant_id uuid,                 -- null: client_credentials
    client_id text NOT NULL,
    scope text NOT NULL,
    access_hash bytea NOT NULL,
    access_expires_at timestamptz NOT NULL,
    access_revoked_at timestamptz,
    refresh_hash bytea,
    refresh_expires_at timestamptz,
    refresh_used_at timestamptz,
    successor_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL -- when the row can be swept
);
CREATE UNIQUE INDEX token_sets_access ON token_sets (access_hash);
CREATE UNIQUE INDEX token_sets_refresh ON token_sets (refresh_hash);
CREATE INDEX token_sets_grant ON token_sets (grant_id);
CREATE INDEX token_sets_expiry ON token_sets (expires_at);

-- Messages on their way, and what became of them.

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    channel text NOT NULL,         -- email | sms
    kind text NOT NULL,            -- code | notice kinds
    account_id uuid,
    challenge_id uuid,
    recipient text NOT NULL,
    payload_sealed bytea,          -- erased once sent or given up
    state text NOT NULL,           -- queued | accepted | failed | expired | cancelled
    attempts bigint NOT NULL,
    available_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    leased_until timestamptz,
    lease_owner text,
    reply text NOT NULL,           -- the last answer of the mail server or gateway
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX outbox_queue ON outbox (available_at) WHERE state = 'queued';
CREATE INDEX outbox_created ON outbox (created_at, id);
CREATE INDEX outbox_account ON outbox (account_id, created_at);
CREATE INDEX outbox_challenge ON outbox (challenge_id);

CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    type text NOT NULL,
    result text NOT NULL,          -- success | failure | refused
    reason text NOT NULL,
    actor_kind text NOT NULL,      -- account | operator | client | system | anonymous
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    account_id uuid,
    target text NOT NULL,          -- what it was done to, for people to read
    client_id text NOT NULL,
    client_address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    data jsonb NOT NULL
);
CREATE INDEX audit_events_at ON audit_events (at, id);
CREATE INDEX audit_events_account ON audit_events (account_id, at);

INSERT INTO surfaces (id, account_kind, enforced, updated_at) VALUES
    ('store', 'store', false, TIMESTAMPTZ '2026-01-01 00:00:00+00'),
    ('admin', 'operator', false, TIMESTAMPTZ '2026-01-01 00:00:00+00');
