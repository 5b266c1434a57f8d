-- +goose Up

-- The filters of the audit log each walk an index in the order of its list: by what the types begin with (no two kinds share the first
-- four characters), and by who acted.
CREATE INDEX audit_events_kind ON audit_events (substr(type, 1, 4), at, id);
CREATE INDEX audit_events_by ON audit_events (actor_kind, at, id);
CREATE INDEX outbox_state ON outbox (state, created_at, id);
