-- +goose Up

-- Which clients keep the accounts of a customer (SCIM), and what they call them.

CREATE TABLE provisioners (
    client_id text COLLATE "C" PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    user_group_id uuid NOT NULL REFERENCES user_groups (id), -- where accounts are that it put into no other; its customer is the client's
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX provisioners_user_group ON provisioners (user_group_id);

CREATE TABLE provisioned_ids (
    client_id text COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,          -- User | Group
    external_id text COLLATE "C" NOT NULL,   -- the client's own name of it
    resource_id uuid NOT NULL,               -- an account or a user group
    PRIMARY KEY (client_id, kind, external_id)
);
CREATE UNIQUE INDEX provisioned_ids_resource ON provisioned_ids (resource_id, client_id);
