-- +goose Up

-- What a program asked for under an Idempotency-Key, so that asking again does not do it again.

CREATE TABLE api_requests (
    actor TEXT NOT NULL,               -- whose key it is: a client or an operator
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    claim_id TEXT NOT NULL,            -- who works on it …
    claimed_until INTEGER NOT NULL,    -- … and until when they can be waited for
    acted_at INTEGER,                  -- set in the transaction of the act
    status INTEGER NOT NULL DEFAULT 0, -- 0: there is no answer yet
    answer_sealed BLOB,                -- it may hold a secret that is shown once
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT;
CREATE INDEX api_requests_expiry ON api_requests (expires_at);
