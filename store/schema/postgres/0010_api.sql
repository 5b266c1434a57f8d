-- +goose Up

-- What a program asked for under an Idempotency-Key, so that asking again does not do it again.

CREATE TABLE api_requests (
    actor text COLLATE "C" NOT NULL,   -- whose key it is: a client or an operator
    key text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    claim_id uuid NOT NULL,            -- who works on it …
    claimed_until timestamptz NOT NULL, -- … and until when they can be waited for
    acted_at timestamptz,              -- set in the transaction of the act
    status bigint NOT NULL DEFAULT 0,  -- 0: there is no answer yet
    answer_sealed bytea,               -- it may hold a secret that is shown once
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX api_requests_expiry ON api_requests (expires_at);
