-- name: ListCustomerAccounts :many
-- A page of a customer's accounts in the order of their login IDs. With a value to be set, only those that have another; without
-- those that take a second operator, if guarded is 'skip', without those of them that have something set up, if it is 'set_up', and
-- without any such, if it is 'all_set_up'.
SELECT a.id, a.login_id, a.login_key, a.display_name, a.two_factor, a.disabled_at, a.approval, f.kind AS main_factor
FROM accounts a
JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE g.customer_id = @customer_id AND a.login_key > @after_key AND (CAST(@unless AS text) = '' OR a.two_factor <> CAST(@unless AS text))
  AND CASE CAST(@guarded AS text) WHEN 'skip' THEN NOT a.approval WHEN 'set_up' THEN NOT a.approval OR f.id IS NULL
    WHEN 'all_set_up' THEN f.id IS NULL ELSE true END
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
-- left out because they take a second operator, as guarded says in ListCustomerAccounts.
SELECT count(*) AS total,
    count(CASE WHEN w.other AND NOT w.guarded THEN 1 END) AS changing,
    count(CASE WHEN w.other AND w.guarded THEN 1 END) AS left_out,
    count(CASE WHEN w.other AND NOT w.guarded AND w.set_up THEN 1 END) AS resetting
FROM (
    SELECT a.two_factor <> CAST(@want AS text) AS other, f.id IS NOT NULL AS set_up,
        CASE CAST(@guarded AS text) WHEN 'skip' THEN a.approval WHEN 'set_up' THEN a.approval AND f.id IS NOT NULL
            WHEN 'all_set_up' THEN f.id IS NOT NULL ELSE false END AS guarded
    FROM accounts a JOIN user_groups g ON g.id = a.user_group_id
    LEFT JOIN factors f ON f.account_id = a.id AND f.main
    WHERE g.customer_id = @customer_id
) w;

-- name: ListSwitchEvents :many
-- What one actor did to the switches of a customer's accounts since a moment.
SELECT e.at, e.result, e.reason, e.data, a.id, a.login_id, a.display_name
FROM audit_events e
JOIN accounts a ON a.id = e.account_id
JOIN user_groups g ON g.id = a.user_group_id
WHERE g.customer_id = @customer_id AND e.at >= @since AND e.type = '2fa.switch' AND e.actor_id = @actor_id
ORDER BY e.at, e.id
LIMIT @page_size;
