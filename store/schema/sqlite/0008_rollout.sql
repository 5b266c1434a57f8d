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
