-- +goose Up

-- What operators may do.

CREATE TABLE roles (
    id text COLLATE "C" PRIMARY KEY,          -- what accounts.role names
    name text NOT NULL,                       -- empty: one of ours, which the catalogues name
    name_key text COLLATE "C" NOT NULL,       -- folded
    rights text NOT NULL,                     -- their names, separated by spaces; * is all there are
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX roles_name ON roles (name_key);

INSERT INTO roles (id, name, name_key, rights, created_at, updated_at) VALUES
    ('administrator', '', 'administrator', '*',
        TIMESTAMPTZ '2026-01-01 00:00:00+00', TIMESTAMPTZ '2026-01-01 00:00:00+00'),
    ('support', '', 'support', 'view view_audit view_deliveries edit_accounts reset exempt pass see_addresses unmask',
        TIMESTAMPTZ '2026-01-01 00:00:00+00', TIMESTAMPTZ '2026-01-01 00:00:00+00'),
    ('auditor', '', 'auditor', 'view view_audit view_deliveries',
        TIMESTAMPTZ '2026-01-01 00:00:00+00', TIMESTAMPTZ '2026-01-01 00:00:00+00'),
    ('read_only', '', 'read_only', 'view',
        TIMESTAMPTZ '2026-01-01 00:00:00+00', TIMESTAMPTZ '2026-01-01 00:00:00+00');

-- Whoever reads a notice can stop changes of the account's security settings for a while.

ALTER TABLE accounts
    ADD COLUMN frozen_at timestamptz,
    ADD COLUMN frozen_until timestamptz,
    ADD COLUMN frozen_by text NOT NULL DEFAULT '';              -- the mailbox that read the notice, masked
