-- +goose Up

-- The life of signing keys, and of the keys that seal what the database holds.

ALTER TABLE signing_keys ADD COLUMN asked_at timestamptz;   -- an operator decided when it takes over; null: the schedule does
ALTER TABLE signing_keys ADD COLUMN revoked_at timestamptz; -- neither signs nor is believed from then on

-- Every run that puts new keys under the sealed columns. One is unfinished at a time.
CREATE TABLE reseals (
    id uuid PRIMARY KEY,
    state text NOT NULL,           -- requested | settling | spreading | walking | done
    state_at timestamptz NOT NULL, -- since when
    part text NOT NULL,            -- the sealed column under way
    position text NOT NULL,        -- the row in it that was the last
    found bigint NOT NULL,         -- values under a former key in this pass over everything
    resealed bigint NOT NULL,      -- in all passes
    unreadable bigint NOT NULL,    -- values that no key opened, in this pass
    requested_at timestamptz NOT NULL,
    finished_at timestamptz
);

-- The private half of what signs the audit log can be sealed anew, and nothing else of it changes.
DROP TRIGGER audit_keys_append_only ON audit_keys;
CREATE TRIGGER audit_keys_keep BEFORE DELETE ON audit_keys FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_keys_fixed BEFORE UPDATE ON audit_keys FOR EACH ROW
    WHEN (NEW.id <> OLD.id OR NEW.public_key <> OLD.public_key OR NEW.created_at <> OLD.created_at) EXECUTE FUNCTION audit_append_only();
