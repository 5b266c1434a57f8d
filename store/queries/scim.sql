-- name: PutProvisioner :exec
INSERT INTO provisioners (client_id, user_group_id, created_at, updated_at) VALUES (@client_id, @user_group_id, @now, @now)
ON CONFLICT (client_id) DO UPDATE SET user_group_id = excluded.user_group_id, updated_at = excluded.updated_at;

-- name: GetProvisioner :one
-- The user group that a client's accounts begin in, and the customer whose accounts it keeps.
SELECT p.updated_at, sqlc.embed(g), sqlc.embed(c)
FROM provisioners p JOIN user_groups g ON g.id = p.user_group_id JOIN customers c ON c.id = g.customer_id
WHERE p.client_id = @client_id;

-- name: DeleteProvisioner :execrows
DELETE FROM provisioners WHERE client_id = @client_id;

-- name: PutProvisionedID :exec
INSERT INTO provisioned_ids (client_id, kind, external_id, resource_id) VALUES (@client_id, @kind, @external_id, @resource_id)
ON CONFLICT (resource_id, client_id) DO UPDATE SET external_id = excluded.external_id;

-- name: GetProvisionedID :one
SELECT resource_id FROM provisioned_ids WHERE client_id = @client_id AND kind = @kind AND external_id = @external_id;

-- name: DeleteProvisionedID :execrows
DELETE FROM provisioned_ids WHERE client_id = @client_id AND resource_id = @resource_id;

-- name: EraseProvisionedIDs :exec
DELETE FROM provisioned_ids WHERE resource_id = @resource_id;

-- name: ForgetProvisionedIDs :exec
DELETE FROM provisioned_ids WHERE client_id = @client_id;

-- name: ListProvisionedUsers :many
-- Store accounts of a customer with what a client calls them, in the order of their ids, after one of them; all of them, or those with
-- a registered address, whatever its case.
SELECT sqlc.embed(a), g.name AS group_name, CAST(COALESCE(x.external_id, '') AS text) AS external_id
FROM user_groups g JOIN accounts a ON a.user_group_id = g.id
LEFT JOIN provisioned_ids x ON x.client_id = @client_id AND x.resource_id = a.id
WHERE g.customer_id = @customer_id AND a.id > @after_id
  AND (CAST(@email AS text) = '' OR lower(a.registered_email) = CAST(@email AS text))
ORDER BY a.id
LIMIT @page_size OFFSET @skip;

-- name: GetProvisionedUser :one
SELECT sqlc.embed(a), g.name AS group_name, CAST(COALESCE(x.external_id, '') AS text) AS external_id
FROM accounts a JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN provisioned_ids x ON x.client_id = @client_id AND x.resource_id = a.id
WHERE a.id = @id AND g.customer_id = @customer_id;

-- name: CountProvisionedUsers :one
SELECT count(*) FROM user_groups g JOIN accounts a ON a.user_group_id = g.id WHERE g.customer_id = @customer_id;

-- name: ListFactorKindsBetween :many
-- Which methods those accounts of a customer have whose ids are from one to another.
SELECT f.account_id, f.kind
FROM user_groups g JOIN accounts a ON a.user_group_id = g.id JOIN factors f ON f.account_id = a.id
WHERE g.customer_id = @customer_id AND a.id >= @first_id AND a.id <= @last_id
ORDER BY f.account_id, f.main DESC, f.position, f.id;

-- name: ListProvisionedGroups :many
-- The user groups of a customer with what a client calls them, in the order of their ids, after one of them. How many accounts one
-- has and when the latest of them changed tell whether its members are those that somebody saw.
SELECT sqlc.embed(g), CAST(COALESCE(x.external_id, '') AS text) AS external_id,
    (SELECT count(*) FROM accounts a WHERE a.user_group_id = g.id) AS members,
    CAST(COALESCE((SELECT max(a.updated_at) FROM accounts a WHERE a.user_group_id = g.id), g.updated_at) AS timestamptz) AS members_changed
FROM user_groups g
LEFT JOIN provisioned_ids x ON x.client_id = @client_id AND x.resource_id = g.id
WHERE g.customer_id = @customer_id AND g.id > @after_id
ORDER BY g.id
LIMIT @page_size OFFSET @skip;

-- name: GetProvisionedGroup :one
SELECT sqlc.embed(g), CAST(COALESCE(x.external_id, '') AS text) AS external_id,
    (SELECT count(*) FROM accounts a WHERE a.user_group_id = g.id) AS members,
    CAST(COALESCE((SELECT max(a.updated_at) FROM accounts a WHERE a.user_group_id = g.id), g.updated_at) AS timestamptz) AS members_changed
FROM user_groups g
LEFT JOIN provisioned_ids x ON x.client_id = @client_id AND x.resource_id = g.id
WHERE g.id = @id AND g.customer_id = @customer_id;

-- name: CountProvisionedGroups :one
SELECT count(*) FROM user_groups WHERE customer_id = @customer_id;

-- name: HoldUserGroup :one
-- The user group as it is and stays until the transaction ends.
UPDATE user_groups SET updated_at = updated_at WHERE id = @id RETURNING *;

-- name: ListMembersBetween :many
-- The accounts of those user groups of a customer whose ids are from one to another.
SELECT a.id, a.login_id, a.display_name, a.user_group_id
FROM user_groups g JOIN accounts a ON a.user_group_id = g.id
WHERE g.customer_id = @customer_id AND g.id >= @first_id AND g.id <= @last_id
ORDER BY a.user_group_id, a.id
LIMIT @page_size;
