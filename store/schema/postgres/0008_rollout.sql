-- +goose Up

-- The way to enforcement: days in which the set-up may be put off, and the mail that says so beforehand.

ALTER TABLE surfaces
    ADD COLUMN enforced_since timestamptz,                      -- when enforcement was last switched on
    ADD COLUMN grace_days bigint NOT NULL DEFAULT 0,            -- for how many days an account may put its set-up off; 0: not at all
    ADD COLUMN announced_for timestamptz;                       -- the day from which enforcement was announced
UPDATE surfaces SET enforced_since = updated_at WHERE enforced;

ALTER TABLE accounts
    ADD COLUMN lang text NOT NULL DEFAULT '',                   -- of the last sign-in; empty: none since it is noted
    ADD COLUMN grace_from timestamptz,                          -- when the days began in which the set-up may be put off
    ADD COLUMN grace_until timestamptz;                         -- when they end

ALTER TABLE flows
    ADD COLUMN postponed boolean NOT NULL DEFAULT false;        -- the person put the set-up off in this sign-in

CREATE TABLE announcements (
    id uuid PRIMARY KEY,
    surface_id text NOT NULL,
    enforce_on timestamptz NOT NULL,                            -- the beginning of the day that is announced
    total bigint NOT NULL,                                      -- accounts concerned when it began
    mailed bigint NOT NULL,
    skipped bigint NOT NULL,                                    -- without an address that can be sent to
    last_account uuid,                                          -- accounts up to this one were looked at
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE UNIQUE INDEX announcements_open ON announcements (surface_id) WHERE finished_at IS NULL;
CREATE INDEX announcements_surface ON announcements (surface_id, created_at);
CREATE INDEX outbox_kind ON outbox (kind) WHERE state = 'queued';

-- What customers and accounts are found by: every word of theirs from each place where one begins, so that a fragment is a prefix.
CREATE TABLE search_terms (
    term text COLLATE "C" NOT NULL,
    kind text NOT NULL,            -- customer | store | operator
    subject_id uuid NOT NULL,
    PRIMARY KEY (subject_id, term)
);
CREATE INDEX search_terms_term ON search_terms (kind, term, subject_id);

ALTER TABLE customers ADD COLUMN indexed boolean NOT NULL DEFAULT false; -- its terms are those of the row
ALTER TABLE accounts ADD COLUMN indexed boolean NOT NULL DEFAULT false;
CREATE INDEX customers_unindexed ON customers (id) WHERE NOT indexed;
CREATE INDEX accounts_unindexed ON accounts (id) WHERE NOT indexed;

ALTER TABLE factors ALTER COLUMN address TYPE text COLLATE "C";
CREATE INDEX factors_address ON factors (address, account_id);
