-- +goose Up

-- Telling relying parties that somebody was signed out.

ALTER TABLE outbox ADD COLUMN session_id uuid; -- pushes: the session that ended; null: whatever the recipient has of the account
-- Which pushes are in hand, by recipient.
CREATE INDEX outbox_push ON outbox (recipient, leased_until) WHERE state = 'queued' AND channel = 'push';
