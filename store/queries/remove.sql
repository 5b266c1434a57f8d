-- name: EraseTickets :exec
DELETE FROM tickets WHERE account_id = @account_id;

-- name: EraseChallenges :exec
DELETE FROM challenges WHERE account_id = @account_id;

-- name: EraseBackupBatches :exec
-- Their codes go with them.
DELETE FROM backup_batches WHERE account_id = @account_id;

-- name: EraseMessages :exec
-- What relying parties are still to be told stays: they learn that the account's sessions are over. It names nothing but ids.
DELETE FROM outbox WHERE account_id = @account_id AND NOT (channel = 'push' AND state = 'queued');

-- name: EraseSessions :exec
DELETE FROM sessions WHERE account_id = @account_id;

-- name: EraseFlows :exec
DELETE FROM flows WHERE account_id = @account_id;

-- name: ErasePasses :exec
DELETE FROM passes WHERE account_id = @account_id;

-- name: EraseReenrolTickets :exec
DELETE FROM reenrol_tickets WHERE account_id = @account_id;

-- name: EraseImportMark :exec
-- What an import remembers of the account.
DELETE FROM account_imports WHERE account_id = @account_id;

-- name: EraseAccount :execrows
DELETE FROM accounts WHERE id = @id;

-- name: CountOtherAble :one
-- How many enabled accounts of a kind have a role, one left out.
SELECT count(*) FROM accounts WHERE kind = @kind AND role = @role AND disabled_at IS NULL AND id <> @id;

-- name: DeleteEmptyGroup :execrows
DELETE FROM user_groups WHERE user_groups.id = @id AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.user_group_id = user_groups.id);

-- name: DeleteEmptyCustomer :execrows
DELETE FROM customers WHERE customers.id = @id AND NOT EXISTS (SELECT 1 FROM user_groups g WHERE g.customer_id = customers.id);

-- name: MoveAccount :execrows
UPDATE accounts SET user_group_id = @user_group_id, updated_at = @now WHERE id = @id;

