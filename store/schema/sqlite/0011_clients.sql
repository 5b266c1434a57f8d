-- +goose Up

-- Where a relying party hears that somebody was signed out, and a secret that is being replaced.

ALTER TABLE clients ADD COLUMN backchannel_logout_uri TEXT NOT NULL DEFAULT ''; -- empty: it is not told
ALTER TABLE clients ADD COLUMN former_secret_hash BLOB;
ALTER TABLE clients ADD COLUMN former_secret_until INTEGER; -- the former secret works until then
