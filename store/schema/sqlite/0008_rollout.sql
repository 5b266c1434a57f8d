-- +goose Up

-- The way to enforcement: days in which the set-up may be put off, and the mail that says so beforehand.

ALTER TABLE surfaces ADD COLUMN enforced_since INTEGER; -- when enforcement was last switched on
ALTER TABLE surfaces ADD COLUMN grace_days INTEGER NOT NULL DEFAULT 0; -- for how many days an account may put its set-up off; 0: not at all
ALTER TABLE surfaces ADD COLUMN announced_for INTEGER; -- the day from which enforcement was announced
UPDATE surfaces SET enforced_since = updated_at WHERE enforced;

ALTER TABLE accounts ADD COLUMN lang TEXT NOT NULL DEFAULT ''; -- of the last sign-in; empty: none since it is noted
ALTER TABLE accounts ADD COLUMN grace_from INTEGER; -- when the days began in which the set-up may be put off
ALTER TABLE accounts ADD COLUMN grace_until INTEGER; -- when they end

ALTER TABLE flows ADD COLUMN postponed INTEGER NOT NULL DEFAULT 0; -- the person put the set-up off in this sign-in

CREATE TABLE announcements (
    id TEXT NOT NULL PRIMARY KEY,
    surface_id TEXT NOT NULL,
    enforce_on INTEGER NOT NULL,   -- the beginning of the day that is announced
    total INTEGER NOT NULL,        -- accounts concerned when it began
    mailed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,      -- without an address that can be sent to
    last_account TEXT,             -- accounts up to this one were looked at
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX announcements_open ON announcements (surface_id) WHERE finished_at IS NULL;
CREATE INDEX announcements_surface ON announcements (surface_id, created_at);
CREATE INDEX outbox_kind ON outbox (kind) WHERE state = 'queued';

-- What customers and accounts are found by: every word of theirs from each place where one begins, so that a fragment is a prefix.
CREATE TABLE search_terms (
    term TEXT NOT NULL,
    kind TEXT NOT NULL,            -- customer | store | operator
    subject_id TEXT NOT NULL,
    PRIMARY KEY (subject_id, term)
) STRICT;
CREATE INDEX search_terms_term ON search_terms (kind, term, subject_id);

ALTER TABLE customers ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0; -- its terms are those of the row
ALTER TABLE accounts ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX customers_unindexed ON customers (id) WHERE NOT indexed;
CREATE INDEX accounts_unindexed ON accounts (id) WHERE NOT indexed;

CREATE INDEX factors_address ON factors (address, account_id);
