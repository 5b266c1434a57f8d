-- +goose Up

-- Since when the client is told nothing more of the account by this grant: what it was allowed was taken back, or it was deleted and what
-- has its id now is another.
ALTER TABLE grants ADD COLUMN forgotten_at INTEGER;

-- Events about one person leave in the order in which they happened.
CREATE INDEX outbox_order ON outbox (stream_id, account_id, id) WHERE state = 'queued' AND stream_id IS NOT NULL;
