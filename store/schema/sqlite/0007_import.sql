-- +goose Up

-- Accounts that another system brought, and the runs that brought them.

ALTER TABLE factors ADD COLUMN imported_at INTEGER; -- proved elsewhere and taken over; null: proved here
ALTER TABLE backup_batches ADD COLUMN imported_at INTEGER;

-- What the last import said of an account, so that the same again is known as such even where the account has moved on since.
CREATE TABLE account_imports (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    external_id TEXT NOT NULL,     -- what the other system calls the account
    row_digest BLOB NOT NULL,     -- SHA-256 of the row
    hash_digest BLOB NOT NULL,    -- SHA-256 of its password hash, which a sign-in may have replaced; empty: it had none
    job_id TEXT NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;

CREATE TABLE import_jobs (
    id TEXT NOT NULL PRIMARY KEY,
    file_hash BLOB NOT NULL,      -- SHA-256 of the whole file
    file_name TEXT NOT NULL,
    options TEXT NOT NULL,         -- how it is read and what it may do; a run goes on only under the same
    state TEXT NOT NULL,           -- uploading | uploaded | checked | running | done | stopped
    reason TEXT NOT NULL,          -- why it was stopped
    actor_id TEXT NOT NULL,        -- the operator; empty: the command line
    rows_total INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,     -- how far it came: the rows are done with the transaction that says so
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL, -- whoever works on it says so here; who finds it old takes the work over
    finished_at INTEGER
) STRICT;
CREATE INDEX import_jobs_file ON import_jobs (file_hash);
CREATE INDEX import_jobs_started ON import_jobs (started_at);

-- What was uploaded in the console, until its run ends.
CREATE TABLE import_chunks (
    job_id TEXT NOT NULL REFERENCES import_jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    data_sealed BLOB NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT;

-- What was said of its rows, without anything that stands in them.
CREATE TABLE import_findings (
    job_id TEXT NOT NULL REFERENCES import_jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    field TEXT NOT NULL,
    refused INTEGER NOT NULL,      -- the row; otherwise a part of it was left out
    reason TEXT NOT NULL,          -- a key of the catalogue
    detail TEXT NOT NULL,
    value_class TEXT NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT;
