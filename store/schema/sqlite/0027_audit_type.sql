-- +goose Up

-- The audit log's filter by one type walks an index of its own: among those of its kind a rare one is found late.
CREATE INDEX audit_events_type ON audit_events (type, at, id);
