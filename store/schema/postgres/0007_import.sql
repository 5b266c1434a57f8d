-- +goose Up

-- Accounts that another system brought, and the runs that brought them.

ALTER TABLE factors ADD COLUMN imported_at timestamptz; -- proved elsewhere and taken over; null: proved here
ALTER TABLE backup_batches ADD COLUMN imported_at timestamptz;

-- What the last import said of an account, so that the same again is known as such even where the account has moved on since.
CREATE TABLE account_imports (
    account_id uuid PRIMARY KEY REFERENCES accounts (id),
    external_id text NOT NULL,     -- what the other system calls the account
    row_digest bytea NOT NULL,     -- SHA-256 of the row
    hash_digest bytea NOT NULL,    -- SHA-256 of its password hash, which a sign-in may have replaced; empty: it had none
    job_id uuid NOT NULL,
    imported_at timestamptz NOT NULL
);

CREATE TABLE import_jobs (
    id uuid PRIMARY KEY,
    file_hash bytea NOT NULL,      -- SHA-256 of the whole file
    file_name text NOT NULL,
    options text NOT NULL,         -- how it is read and what it may do; a run goes on only under the same
    state text NOT NULL,           -- uploading | uploaded | checked | running | done | stopped
    reason text NOT NULL,          -- why it was stopped
    actor_id text NOT NULL,        -- the operator; empty: the command line
    rows_total bigint NOT NULL,
    rows_done bigint NOT NULL,     -- how far it came: the rows are done with the transaction that says so
    created bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    refused bigint NOT NULL,
    started_at timestamptz NOT NULL,
    touched_at timestamptz NOT NULL, -- whoever works on it says so here; who finds it old takes the work over
    finished_at timestamptz
);
CREATE INDEX import_jobs_file ON import_jobs (file_hash);
CREATE INDEX import_jobs_started ON import_jobs (started_at);

-- What was uploaded in the console, until its run ends.
CREATE TABLE import_chunks (
    job_id uuid NOT NULL REFERENCES import_jobs (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    data_sealed bytea NOT NULL,
    PRIMARY KEY (job_id, number)
);

-- What was said of its rows, without anything that stands in them.
CREATE TABLE import_findings (
    job_id uuid NOT NULL REFERENCES import_jobs (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    line bigint NOT NULL,
    field text NOT NULL,
    refused boolean NOT NULL,      -- the row; otherwise a part of it was left out
    reason text NOT NULL,          -- a key of the catalogue
    detail text NOT NULL,
    value_class text NOT NULL,
    PRIMARY KEY (job_id, number)
);
