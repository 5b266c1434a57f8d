-- +goose Up

-- What a surface lets people prove themselves with.

ALTER TABLE surfaces
    ADD COLUMN allowed_methods text NOT NULL DEFAULT '',        -- kinds of factor, separated by spaces; empty: all
    ADD COLUMN second_level bigint NOT NULL DEFAULT 20,         -- what two factors must reach together where they are demanded
    ADD COLUMN trust_days bigint NOT NULL DEFAULT 30;           -- how long a browser can be trusted; 0: never

-- The console takes no code by mail or SMS, unless staff rely on one already.
UPDATE surfaces SET allowed_methods = 'totp passkey'
WHERE id = 'admin' AND NOT EXISTS (SELECT 1 FROM factors f JOIN accounts a ON a.id = f.account_id WHERE a.kind = 'operator');
UPDATE surfaces SET trust_days = 0 WHERE id = 'admin';

ALTER TABLE accounts
    ADD COLUMN password_changed_at timestamptz,
    ADD COLUMN registered_email_changed_at timestamptz;

-- Second factors of every kind. An account has one row per kind; the row of kind passkey stands for all its passkeys.

ALTER TABLE factors
    ADD COLUMN position bigint NOT NULL DEFAULT 0,              -- order of those that are not the main one
    ADD COLUMN secret_sealed bytea,                             -- the seed of an authenticator app
    ADD COLUMN totp_step bigint;                                -- the last time step accepted; none older is again
CREATE UNIQUE INDEX factors_main ON factors (account_id) WHERE main;

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    factor_id uuid NOT NULL,
    credential_id bytea NOT NULL,
    record bytea NOT NULL,          -- public key and what the authenticator said of itself
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE INDEX passkeys_account ON passkeys (account_id);

-- A proof or set-up in progress that the browser's answer is checked against: a passkey's challenge, an app's new seed.
CREATE TABLE ceremonies (
    id uuid PRIMARY KEY,
    kind text NOT NULL,             -- totp | passkey
    purpose text NOT NULL,          -- login | signin | enrol | change
    flow_id uuid,                   -- the attempt it belongs to: a flow …
    session_id uuid,                -- … or a session, never both
    account_id uuid,                -- null: a sign-in that nobody has begun yet
    data_sealed bytea NOT NULL,
    tries bigint NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ceremonies_flow ON ceremonies (flow_id);
CREATE INDEX ceremonies_session ON ceremonies (session_id);
CREATE INDEX ceremonies_account ON ceremonies (account_id);
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);

ALTER TABLE trusted_devices
    ADD COLUMN former_hash bytea,                               -- the secret before the last use
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN method text NOT NULL DEFAULT 'email',            -- what was proved when it was trusted
    ADD COLUMN client_address text NOT NULL DEFAULT '',
    ADD COLUMN credential_epoch bigint NOT NULL DEFAULT 0;      -- dead once the account's is another

-- Secrets that are handed out to be used once: a new password, the undoing of a change.
CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    purpose text NOT NULL,
    account_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    credential_epoch bigint,        -- void once the account's is another; null: outlives changes
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE UNIQUE INDEX tickets_secret ON tickets (secret_hash);
CREATE INDEX tickets_account ON tickets (account_id, purpose);
CREATE INDEX tickets_expiry ON tickets (expires_at);

-- Forgotten passwords: what was typed, looked at after the answer, so that the answer tells nothing.
CREATE TABLE password_requests (
    id uuid PRIMARY KEY,
    account_kind text NOT NULL,
    login_key text NOT NULL,
    lang text NOT NULL,
    client_address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX password_requests_created ON password_requests (created_at);
