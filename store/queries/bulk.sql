-- name: ListCustomerAccounts :many
-- A page of a customer's accounts in the order of their login IDs. With a value to be set, only those that have another; without
-- those that take a second operator, if guarded is 'skip'.
SELECT a.id, a.login_id, a.login_key, a.display_name, a.two_factor, a.disabled_at, a.approval, f.kind AS main_factor
FROM accounts a
JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE g.customer_id = @customer_id AND a.login_key > @after_key AND (CAST(@unless AS text) = '' OR a.two_factor <> CAST(@unless AS text))
  AND (CAST(@guarded AS text) <> 'skip' OR NOT a.approval)
ORDER BY a.login_key
LIMIT @page_size;

-- name: GetCustomerAccount :one
SELECT a.id, a.login_id, a.login_key, a.display_name, a.two_factor, a.disabled_at, a.approval, f.kind AS main_factor
FROM accounts a
JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE a.id = @id AND g.customer_id = @customer_id;

-- name: CountCustomerSwitch :one
-- How many accounts a customer has, how many a switch would change, how many of those would lose what they set up, and how many are
-- left out because they take a second operator, if guarded is 'skip'.
SELECT count(*) AS total,
    count(CASE WHEN a.two_factor <> CAST(@want AS text) AND (CAST(@guarded AS text) <> 'skip' OR NOT a.approval) THEN 1 END) AS changing,
    count(CASE WHEN a.two_factor <> CAST(@want AS text) AND CAST(@guarded AS text) = 'skip' AND a.approval THEN 1 END) AS left_out,
    count(CASE WHEN a.two_factor <> CAST(@want AS text) AND (CAST(@guarded AS text) <> 'skip' OR NOT a.approval) AND EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id) THEN 1 END) AS resetting
FROM accounts a JOIN user_groups g ON g.id = a.user_group_id
WHERE g.customer_id = @customer_id;

-- name: ListSwitchEvents :many
-- What one actor did to the switches of a customer's accounts since a moment.
SELECT e.at, e.result, e.reason, e.data, a.id, a.login_id, a.display_name
FROM audit_events e
JOIN accounts a ON a.id = e.account_id
JOIN user_groups g ON g.id = a.user_group_id
WHERE g.customer_id = @customer_id AND e.at >= @since AND e.type = '2fa.switch' AND e.actor_id = @actor_id
ORDER BY e.at, e.id
LIMIT @page_size;
