-- +goose Up

-- The life of signing keys, and of the keys that seal what the database holds.

ALTER TABLE signing_keys ADD COLUMN asked_at INTEGER;   -- an operator decided when it takes over; null: the schedule does
ALTER TABLE signing_keys ADD COLUMN revoked_at INTEGER; -- neither signs nor is believed from then on

-- Every run that puts new keys under the sealed columns. One is unfinished at a time.
CREATE TABLE reseals (
    id TEXT PRIMARY KEY NOT NULL,
    state TEXT NOT NULL,           -- requested | settling | spreading | walking | done
    state_at INTEGER NOT NULL,     -- since when
    part TEXT NOT NULL,            -- the sealed column under way
    position TEXT NOT NULL,        -- the row in it that was the last
    found INTEGER NOT NULL,        -- values under a former key in this pass over everything
    resealed INTEGER NOT NULL,     -- in all passes
    unreadable INTEGER NOT NULL,   -- values that no key opened, in this pass
    requested_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

-- The private half of what signs the audit log can be sealed anew, and nothing else of it changes.
DROP TRIGGER audit_keys_update;
-- +goose StatementBegin
CREATE TRIGGER audit_keys_fixed BEFORE UPDATE ON audit_keys
WHEN NEW.id <> OLD.id OR NEW.public_key <> OLD.public_key OR NEW.created_at <> OLD.created_at
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
