-- name: InsertCustomer :exec
INSERT INTO customers (id, code, name, search_key, created_at, updated_at)
VALUES (@id, @code, @name, @search_key, @now, @now);

-- name: UpdateCustomer :execrows
UPDATE customers SET code = @code, name = @name, search_key = @search_key, updated_at = @now
WHERE id = @id;

-- name: GetCustomer :one
SELECT * FROM customers WHERE id = @id;

-- name: ListCustomers :many
-- One page in code order, after one of them. State filters by how many accounts are set up: set, partly, none, or empty for all. A
-- customer without accounts is in none of the three. No code after the last one is looked at; an empty one is no limit. The time of
-- the last sign-in means something where anybody signed in.
SELECT p.id, p.code, p.name, count(m.id) AS accounts, count(f.account_id) AS set_up, count(m.last_sign_in_at) AS signed_in,
    CAST(COALESCE(max(m.last_sign_in_at), p.created_at) AS timestamptz) AS last_sign_in_at
FROM (
    SELECT c.id, c.code, c.name, c.created_at FROM customers c
    WHERE c.code > @after_code AND (CAST(@last_code AS text) = '' OR c.code <= CAST(@last_code AS text))
      AND (CAST(@state AS text) = '' OR CAST(@state AS text) = CASE
            WHEN NOT EXISTS (SELECT 1 FROM accounts a JOIN user_groups g ON g.id = a.user_group_id WHERE g.customer_id = c.id) THEN 'empty'
            WHEN NOT EXISTS (SELECT 1 FROM accounts a JOIN user_groups g ON g.id = a.user_group_id JOIN factors f ON f.account_id = a.id
                WHERE g.customer_id = c.id) THEN 'none'
            WHEN EXISTS (SELECT 1 FROM accounts a JOIN user_groups g ON g.id = a.user_group_id
                WHERE g.customer_id = c.id AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id)) THEN 'partly'
            ELSE 'set' END)
    ORDER BY c.code
    LIMIT @page_size) p
LEFT JOIN user_groups o ON o.customer_id = p.id
LEFT JOIN accounts m ON m.user_group_id = o.id
LEFT JOIN factors f ON f.account_id = m.id AND f.main
GROUP BY p.id, p.code, p.name, p.created_at
ORDER BY p.code;

-- name: LastOfCustomers :one
-- The last of the next so many customers, and how many there are.
SELECT w.code, count(*) OVER () AS looked
FROM (SELECT c.code FROM customers c WHERE c.code > @after_code ORDER BY c.code LIMIT @look) w
ORDER BY w.code DESC
LIMIT 1;

-- name: ClaimCustomer :execrows
-- The first statement of a change by somebody who saw a version: it finds the row only if nobody changed it since, and holds it.
UPDATE customers SET updated_at = @now WHERE id = @id AND updated_at = @version;

-- name: InsertUserGroup :exec
INSERT INTO user_groups (id, customer_id, name, created_at, updated_at)
VALUES (@id, @customer_id, @name, @now, @now);

-- name: UpdateUserGroup :execrows
UPDATE user_groups SET name = @name, updated_at = @now WHERE id = @id;

-- name: ClaimUserGroup :execrows
UPDATE user_groups SET updated_at = @now WHERE id = @id AND updated_at = @version;

-- name: GetUserGroup :one
SELECT * FROM user_groups WHERE id = @id;

-- name: ListUserGroups :many
SELECT * FROM user_groups WHERE customer_id = @customer_id ORDER BY created_at, id;
