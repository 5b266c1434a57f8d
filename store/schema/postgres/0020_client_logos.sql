-- +goose Up

-- What people see of an application. Every server holds all clients in memory, and so only the name of the picture.

CREATE TABLE client_logos (
    client_id text PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    media_type text NOT NULL,
    data bytea NOT NULL,
    sha256 bytea NOT NULL,
    updated_at timestamptz NOT NULL
);
ALTER TABLE clients ADD COLUMN logo_version text NOT NULL DEFAULT ''; -- what names its present logo in addresses; empty: it has none
