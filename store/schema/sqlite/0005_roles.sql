-- +goose Up

-- What operators may do.

CREATE TABLE roles (
    id TEXT NOT NULL PRIMARY KEY,          -- what accounts.role names
    name TEXT NOT NULL,                       -- empty: one of ours, which the catalogues name
    name_key TEXT NOT NULL,       -- folded
    rights TEXT NOT NULL,                     -- their names, separated by spaces; * is all there are
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX roles_name ON roles (name_key);

INSERT INTO roles (id, name, name_key, rights, created_at, updated_at) VALUES
    ('administrator', '', 'administrator', '*',
        1767225600000000, 1767225600000000),
    ('support', '', 'support', 'view view_audit view_deliveries edit_accounts reset exempt pass see_addresses unmask',
        1767225600000000, 1767225600000000),
    ('auditor', '', 'auditor', 'view view_audit view_deliveries',
        1767225600000000, 1767225600000000),
    ('read_only', '', 'read_only', 'view',
        1767225600000000, 1767225600000000);

-- Whoever reads a notice can stop changes of the account's security settings for a while.

ALTER TABLE accounts ADD COLUMN frozen_at INTEGER;
ALTER TABLE accounts ADD COLUMN frozen_until INTEGER;
ALTER TABLE accounts ADD COLUMN frozen_by TEXT NOT NULL DEFAULT ''; -- the mailbox that read the notice, masked
