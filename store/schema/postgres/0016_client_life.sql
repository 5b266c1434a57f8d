-- +goose Up

-- When a relying party's secret was made and its former one used, and what shows what the relying party holds.

ALTER TABLE clients ADD COLUMN secret_made_at timestamptz; -- null: with the registration
ALTER TABLE clients ADD COLUMN former_secret_used_at timestamptz; -- to the minute; null: not since it is the former one
CREATE INDEX grants_client ON grants (client_id, created_at);
CREATE INDEX token_sets_client ON token_sets (client_id) WHERE grant_id IS NULL;
