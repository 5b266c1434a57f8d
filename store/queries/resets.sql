-- name: InsertReset :exec
INSERT INTO resets (id, account_id, form_id, method, actor_id, actor_name, result, created_at)
VALUES (@id, @account_id, @form_id, @method, @actor_id, @actor_name, @result, @now);

-- name: InsertResetNotice :exec
INSERT INTO reset_notices (reset_id, message_id) VALUES (@reset_id, @message_id);

-- name: GetReset :one
SELECT * FROM resets WHERE id = @id;

-- name: GetResetOfForm :one
-- What a form did to an account, for somebody who sends it twice.
SELECT * FROM resets WHERE form_id = @form_id AND account_id = @account_id;

-- name: ListResetsOfForm :many
SELECT * FROM resets WHERE form_id = @form_id ORDER BY created_at, id;

-- name: ListNoticesOfForm :many
-- Whom the resets of a form told, and what became of that. A message that is too old to be kept any more is not among them.
SELECT n.reset_id, o.id, o.channel, o.recipient, o.state, o.attempts, o.reply, o.created_at, o.finished_at, p.name AS party
FROM resets r
JOIN reset_notices n ON n.reset_id = r.id
JOIN outbox o ON o.id = n.message_id
LEFT JOIN clients p ON o.channel = 'push' AND p.id = o.recipient
WHERE r.form_id = @form_id
ORDER BY n.reset_id, o.id;

-- name: ListAccountClients :many
-- The relying parties that hold live tokens of an account, and how many of these are refresh tokens.
SELECT g.client_id, CAST(COALESCE(c.name, g.client_id) AS text) AS name,
    count(CASE WHEN t.refresh_hash IS NOT NULL AND t.refresh_used_at IS NULL AND t.refresh_expires_at > @now THEN 1 END) AS refresh_tokens
FROM grants g
JOIN accounts a ON a.id = g.account_id AND a.credential_epoch = g.credential_epoch
JOIN token_sets t ON t.grant_id = g.id
    AND (t.access_revoked_at IS NULL AND t.access_expires_at > @now
        OR t.refresh_hash IS NOT NULL AND t.refresh_used_at IS NULL AND t.refresh_expires_at > @now)
LEFT JOIN clients c ON c.id = g.client_id
WHERE g.account_id = @account_id AND g.revoked_at IS NULL AND g.expires_at > @now
  AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = g.session_id AND e.ended_at IS NOT NULL)
GROUP BY g.client_id, c.name
ORDER BY g.client_id;

-- name: CountAccountFlows :one
-- The sign-ins of an account that are under way.
SELECT count(*) FROM flows f
JOIN accounts a ON a.id = f.account_id AND a.credential_epoch = f.credential_epoch
WHERE f.account_id = @account_id AND f.finished_at IS NULL AND f.expires_at > @now;

-- name: SetTicketDemand :exec
UPDATE accounts SET ticket_demanded_at = sqlc.narg('demanded_at') WHERE id = @id;

-- name: SetSurfaceReenrol :execrows
-- Guarded by the former value, so that of two operators only one changes it.
UPDATE surfaces SET reenrol = @reenrol, updated_at = @now WHERE id = @id AND reenrol = @former;

-- name: InsertReenrolTicket :exec
INSERT INTO reenrol_tickets (id, account_id, credential_epoch, code_mac, code_sealed, issuer_id, message_id, tries, created_at, expires_at)
VALUES (@id, @account_id, @credential_epoch, @code_mac, @code_sealed, @issuer_id, @message_id, 0, @now, @expires_at);

-- name: GetReenrolTicket :one
-- The newest ticket of an account, whatever became of it.
SELECT * FROM reenrol_tickets WHERE account_id = @account_id ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: TryReenrolTicket :one
-- Takes one of the tries of a ticket, before what was typed is compared.
UPDATE reenrol_tickets SET tries = tries + 1
WHERE id = @id AND credential_epoch = @credential_epoch AND used_at IS NULL AND expires_at > @now AND tries < @max_tries
RETURNING *;

-- name: UseReenrolTicket :execrows
UPDATE reenrol_tickets SET used_at = @now, code_sealed = NULL WHERE id = @id AND used_at IS NULL;

-- name: VoidReenrolTickets :execrows
-- Only the newest ticket counts.
UPDATE reenrol_tickets SET used_at = @now, code_sealed = NULL WHERE account_id = @account_id AND used_at IS NULL;

-- name: ForgetReenrolTicket :execrows
-- Whoever hands the ticket over has it: from now on nobody can read it.
UPDATE reenrol_tickets SET code_sealed = NULL WHERE id = @id AND issuer_id = @issuer_id AND code_sealed IS NOT NULL;

-- name: ForgetOldReenrolTickets :execrows
UPDATE reenrol_tickets SET code_sealed = NULL WHERE code_sealed IS NOT NULL AND expires_at < @before;

-- name: SweepReenrolTickets :execrows
DELETE FROM reenrol_tickets WHERE id IN (
    SELECT t.id FROM reenrol_tickets t WHERE t.expires_at < @before ORDER BY t.expires_at LIMIT @batch_size);

-- name: SweepResets :execrows
DELETE FROM resets WHERE id IN (SELECT r.id FROM resets r WHERE r.created_at < @before ORDER BY r.created_at LIMIT @batch_size);

-- name: ListCustomerHoldings :many
-- Every store account of a customer with the codes and devices it has; its factors are in ListCustomerFactors.
SELECT a.id, a.login_id, a.display_name, a.two_factor, a.disabled_at, a.created_at, a.approval, g.name AS group_name,
    (SELECT count(*) FROM backup_codes c JOIN backup_batches b ON b.id = c.batch_id
        WHERE b.account_id = a.id AND b.voided_at IS NULL AND c.used_at IS NULL) AS backup_codes,
    (SELECT count(*) FROM trusted_devices d
        WHERE d.account_id = a.id AND d.credential_epoch = a.credential_epoch AND d.expires_at > @now) AS devices
FROM accounts a
JOIN user_groups g ON g.id = a.user_group_id
WHERE g.customer_id = @customer_id
ORDER BY a.login_key;

-- name: ListCustomerFactors :many
SELECT f.account_id, f.kind
FROM factors f
JOIN accounts a ON a.id = f.account_id
JOIN user_groups g ON g.id = a.user_group_id
WHERE g.customer_id = @customer_id
ORDER BY f.account_id, f.main DESC, f.position, f.created_at, f.id;
