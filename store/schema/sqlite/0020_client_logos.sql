-- +goose Up

-- What people see of an application. Every server holds all clients in memory, and so only the name of the picture.

CREATE TABLE client_logos (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    media_type TEXT NOT NULL,
    data BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
ALTER TABLE clients ADD COLUMN logo_version TEXT NOT NULL DEFAULT ''; -- what names its present logo in addresses; empty: it has none
