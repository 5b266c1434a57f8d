-- +goose Up

-- Freezes are listed while they last.

CREATE INDEX accounts_frozen ON accounts (frozen_until) WHERE frozen_until IS NOT NULL;
