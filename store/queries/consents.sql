-- name: GetConsent :one
SELECT * FROM consents WHERE account_id = @account_id AND client_id = @client_id;

-- name: PutConsent :exec
-- Callers hold the account, and have put what was allowed before into the scope.
INSERT INTO consents (account_id, client_id, scope, granted_at, updated_at)
VALUES (@account_id, @client_id, @scope, @now, @now)
ON CONFLICT (account_id, client_id) DO UPDATE SET scope = excluded.scope, updated_at = excluded.updated_at;

-- name: ListConsents :many
-- What a person allows, with the applications it is allowed to, the latest first.
SELECT sqlc.embed(k), sqlc.embed(c) FROM consents k
JOIN clients c ON c.id = k.client_id
WHERE k.account_id = @account_id
ORDER BY k.granted_at DESC, k.client_id;

-- name: DropConsent :execrows
-- Only Tx.EndConsent runs this, as what rests on the consent ends with it.
DELETE FROM consents WHERE account_id = @account_id AND client_id = @client_id;

-- name: DropClientConsents :execrows
-- The people of another surface are others.
DELETE FROM consents WHERE client_id = @client_id;

-- name: EraseConsents :exec
DELETE FROM consents WHERE account_id = @account_id;

-- name: SetFlowConsent :execrows
-- The person pressed the button of the page that says what the application learns. Whoever signs in to the flow anew is asked anew.
UPDATE flows SET consented_scope = @consented_scope
WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL AND account_id = @account_id;
