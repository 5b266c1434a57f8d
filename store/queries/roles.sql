-- name: ListRoles :many
SELECT * FROM roles ORDER BY name_key, id;

-- name: GetRole :one
SELECT * FROM roles WHERE id = @id;

-- name: HoldRole :one
-- The role as it is and stays until the transaction ends: nobody takes it away while somebody is given it.
UPDATE roles SET updated_at = updated_at WHERE id = @id RETURNING *;

-- name: InsertRole :exec
INSERT INTO roles (id, name, name_key, rights, created_at, updated_at) VALUES (@id, @name, @name_key, @rights, @now, @now);

-- name: UpdateRole :execrows
-- Guarded by the row's version, so that of two operators only one changes it.
UPDATE roles SET name = @name, name_key = @name_key, rights = @rights, updated_at = @now WHERE id = @id AND updated_at = @version;

-- name: DeleteRole :execrows
DELETE FROM roles WHERE id = @id;

-- name: CountOperatorsByRole :many
-- How many operators have each role, and how many of them can sign in.
SELECT a.role, count(*) AS holders, count(CASE WHEN a.disabled_at IS NULL THEN 1 END) AS enabled
FROM accounts a WHERE a.kind = 'operator' GROUP BY a.role;
