-- name: InsertAccount :exec
INSERT INTO accounts (id, kind, login_id, login_key, display_name, search_key, role, user_group_id,
    password_hash, registered_email, two_factor, credential_epoch, created_at, updated_at)
VALUES (@id, @kind, @login_id, @login_key, @display_name, @search_key, @role, @user_group_id,
    @password_hash, @registered_email, @two_factor, 1, @now, @now);

-- name: GetAccount :one
SELECT * FROM accounts WHERE id = @id;

-- name: GetAccountByLogin :one
SELECT * FROM accounts WHERE kind = @kind AND login_key = @login_key;

-- name: ListAccountsOfCustomer :many
-- Every store account of a customer with what its row in the console needs.
SELECT a.id, a.login_id, a.display_name, a.role, a.user_group_id, a.two_factor, a.disabled_at, a.last_sign_in_at,
    f.kind AS main_factor
FROM accounts a
JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE g.customer_id = @customer_id
ORDER BY a.login_key;

-- name: ListAccountsByKind :many
SELECT a.id, a.login_id, a.display_name, a.role, a.two_factor, a.disabled_at, a.last_sign_in_at,
    f.kind AS main_factor
FROM accounts a
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE a.kind = @kind AND a.login_key > @after_key
ORDER BY a.login_key
LIMIT @page_size;

-- name: CountAccountsByKind :one
SELECT count(*) FROM accounts WHERE kind = @kind;

-- name: GetAccountPlace :one
-- The user group and customer of a store account.
SELECT sqlc.embed(g), sqlc.embed(c)
FROM user_groups g JOIN customers c ON c.id = g.customer_id
WHERE g.id = @user_group_id;

-- name: ClaimAccount :execrows
-- The first statement of a change by somebody who saw a version: it finds the row only if nobody changed it since, and holds it.
UPDATE accounts SET updated_at = @now WHERE id = @id AND updated_at = @version;

-- name: HoldAccount :one
-- The account as it is and stays until the transaction ends: what is decided about it next cannot be overtaken by a change.
UPDATE accounts SET updated_at = updated_at WHERE id = @id RETURNING *;

-- name: UpdateAccountProfile :execrows
UPDATE accounts SET display_name = @display_name, search_key = @search_key, role = @role,
    registered_email_changed_at = CASE WHEN registered_email <> CAST(@registered_email AS text) THEN CAST(@now AS timestamptz)
        ELSE registered_email_changed_at END,
    registered_email = @registered_email, updated_at = @now
WHERE id = @id;

-- name: SetAccountDisabled :execrows
-- Disabling also raises the epoch, so that everything issued before dies with it.
UPDATE accounts SET disabled_at = sqlc.narg('disabled_at'), credential_epoch = credential_epoch + 1, updated_at = @now
WHERE id = @id;

-- name: SetPassword :execrows
UPDATE accounts SET password_hash = @password_hash, password_changed_at = @now, credential_epoch = credential_epoch + 1, updated_at = @now
WHERE id = @id;

-- name: RehashPassword :execrows
-- The same password under better parameters: nothing else changes, and only if nobody changed it meanwhile.
UPDATE accounts SET password_hash = @password_hash WHERE id = @id AND password_hash = @former_hash;

-- name: SetTwoFactor :execrows
-- Guarded by the former value, so that of two operators only one changes it.
UPDATE accounts SET two_factor = @two_factor, updated_at = @now
WHERE id = @id AND two_factor = @former;

-- name: RaiseCredentialEpoch :one
-- Whoever set something up, or whose set-up was taken away, has had their days of grace.
UPDATE accounts SET credential_epoch = credential_epoch + 1, grace_from = CAST(@now AS timestamptz), grace_until = CAST(@now AS timestamptz),
    updated_at = CAST(@now AS timestamptz)
WHERE id = @id
RETURNING credential_epoch;

-- name: FreezeAccount :execrows
UPDATE accounts SET frozen_at = @now, frozen_until = @frozen_until, frozen_by = @frozen_by, updated_at = @now WHERE id = @id;

-- name: LiftFreeze :execrows
UPDATE accounts SET frozen_until = NULL, updated_at = @now WHERE id = @id AND frozen_until > @now;

-- name: SetLastSignIn :exec
UPDATE accounts SET last_sign_in_at = @now, lang = @lang WHERE id = @id;

-- name: ListSurfaces :many
SELECT * FROM surfaces ORDER BY id;

-- name: GetSurface :one
SELECT * FROM surfaces WHERE id = @id;

-- name: HoldSurface :one
-- The surface as it is and stays until the transaction ends: who switches an account off, or takes an operator's power away,
-- must not do so beside somebody who changes what that depends on.
UPDATE surfaces SET updated_at = updated_at WHERE id = @id RETURNING *;

-- name: SetSurfaceEnforced :execrows
UPDATE surfaces SET enforced = @enforced, enforced_since = CASE WHEN CAST(@enforced AS boolean) THEN CAST(@now AS timestamptz) END,
    updated_at = CAST(@now AS timestamptz)
WHERE id = @id AND enforced = @former;

-- name: SetSurfaceMethods :execrows
-- Guarded by the row's version, so that of two operators only one changes it.
UPDATE surfaces SET allowed_methods = @allowed_methods, second_level = @second_level, trust_days = @trust_days, updated_at = @now
WHERE id = @id AND updated_at = @version;

-- name: CountAccountsStopped :one
-- How many accounts of a kind can prove a second factor now and could not if only other kinds of factor were of use. Both lists
-- are kinds separated by spaces.
SELECT count(*) FROM accounts a
WHERE a.kind = @kind AND a.disabled_at IS NULL
  AND EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id AND f.disabled_at IS NULL
      AND ' ' || CAST(@useful AS text) || ' ' LIKE '% ' || f.kind || ' %')
  AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id AND f.disabled_at IS NULL
      AND ' ' || CAST(@useful_then AS text) || ' ' LIKE '% ' || f.kind || ' %');

-- name: CountAccountsAble :one
-- How many accounts of a kind with a role could sign in if only some kinds of factor were of use: they have one of those, or
-- nothing yet.
SELECT count(*) FROM accounts a
WHERE a.kind = @kind AND a.role = @role AND a.disabled_at IS NULL
  AND (NOT EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id)
    OR EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id AND f.disabled_at IS NULL
        AND ' ' || CAST(@useful AS text) || ' ' LIKE '% ' || f.kind || ' %'));
