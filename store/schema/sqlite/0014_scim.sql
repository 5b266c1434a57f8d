-- +goose Up

-- Which clients keep the accounts of a customer (SCIM), and what they call them.

CREATE TABLE provisioners (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    user_group_id TEXT NOT NULL REFERENCES user_groups (id), -- where accounts are that it put into no other; its customer is the client's
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX provisioners_user_group ON provisioners (user_group_id);

CREATE TABLE provisioned_ids (
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,          -- User | Group
    external_id TEXT NOT NULL,   -- the client's own name of it
    resource_id TEXT NOT NULL,   -- an account or a user group
    PRIMARY KEY (client_id, kind, external_id)
) STRICT;
CREATE UNIQUE INDEX provisioned_ids_resource ON provisioned_ids (resource_id, client_id);
