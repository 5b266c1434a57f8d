-- name: InsertApproval :exec
INSERT INTO approvals (id, account_id, surface_id, act, permit, request, form_id, credential_epoch, registered_at, asker, asker_name,
    state, created_at, expires_at)
VALUES (@id, sqlc.narg('account_id'), @surface_id, @act, @permit, @request, @form_id, @credential_epoch, @registered_at, @asker, @asker_name,
    'waiting', @now, @expires_at);

-- name: GetApproval :one
SELECT * FROM approvals WHERE id = @id;

-- name: FindApproval :one
-- A request in one state, for somebody who asks for the same again or does what was approved. One that was made before the account's
-- credentials or its registered address changed is void.
SELECT * FROM approvals
WHERE permit = @permit AND asker = @asker AND state = @state AND expires_at > @now
  AND credential_epoch = @credential_epoch AND registered_at = @registered_at
ORDER BY created_at, id LIMIT 1;

-- name: DecideApproval :execrows
-- Of several who decide, withdraw or come too late, one is first.
UPDATE approvals SET state = @state, decider = @decider, decider_name = @decider_name, decision = @decision, decided_at = CAST(@now AS timestamptz),
    expires_at = @expires_at
WHERE id = @id AND state = 'waiting' AND expires_at > CAST(@now AS timestamptz);

-- name: WithdrawApproval :execrows
-- By whoever asked; also what was approved and not done yet.
UPDATE approvals SET state = 'withdrawn' WHERE id = @id AND state IN ('waiting', 'approved') AND expires_at > @now;

-- name: UseApproval :execrows
UPDATE approvals SET state = 'used', used_at = CAST(@now AS timestamptz)
WHERE id = @id AND state = 'approved' AND expires_at > CAST(@now AS timestamptz);

-- name: CountApprovals :one
-- What waits for a viewer: requests of others to decide, and their own that were approved.
SELECT count(CASE WHEN p.state = 'waiting' AND p.asker <> @viewer THEN 1 END) AS waiting,
    count(CASE WHEN p.state = 'approved' AND p.asker = @viewer THEN 1 END) AS ready
FROM approvals p LEFT JOIN accounts a ON a.id = p.account_id
WHERE p.state IN ('waiting', 'approved') AND p.expires_at > @now AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text)
  AND a.credential_epoch = p.credential_epoch AND COALESCE(a.registered_email_changed_at, a.created_at) = p.registered_at);

-- name: ListApprovals :many
-- Newest first, a page at a time; those that wait for something alone, if open is 'yes'.
SELECT sqlc.embed(p), a.display_name, a.login_id, a.kind, c.name AS customer,
    CAST(CASE WHEN a.id IS NULL OR a.credential_epoch = p.credential_epoch
        AND COALESCE(a.registered_email_changed_at, a.created_at) = p.registered_at THEN 0 ELSE 1 END AS bigint) AS void
FROM approvals p
LEFT JOIN accounts a ON a.id = p.account_id
LEFT JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN customers c ON c.id = g.customer_id
WHERE p.created_at <= @before_at AND (p.created_at < @before_at OR p.id < @before_id)
  AND (CAST(@open AS text) <> 'yes' OR p.state IN ('waiting', 'approved') AND p.expires_at > @now)
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY p.created_at DESC, p.id DESC
LIMIT @page_size;

-- name: ListApprovalsOfForm :many
SELECT * FROM approvals WHERE form_id = @form_id ORDER BY created_at, id;

-- name: SweepApprovals :execrows
DELETE FROM approvals WHERE id IN (SELECT p.id FROM approvals p WHERE p.expires_at < @before ORDER BY p.expires_at LIMIT @batch_size);

-- name: CountActsOn :one
-- What somebody did to an account since a moment.
SELECT count(*) FROM audit_events
WHERE account_id = @account_id AND at >= @since AND actor_id = @actor_id AND result = 'success'
  AND (type LIKE 'account.%' OR type LIKE '2fa.%' OR type LIKE 'password.%') AND type <> 'account.unmask';

-- name: CountActsOnRoles :one
-- How often somebody made or changed a role since a moment, whatever it was called then.
SELECT count(*) FROM audit_events
WHERE type IN ('role.create', 'role.update') AND at >= @since AND actor_id = @actor_id AND result = 'success';

-- name: CountActsOnClient :one
-- How often somebody registered a client, changed it or gave it a secret since a moment.
SELECT count(*) FROM audit_events
WHERE type IN ('client.create', 'client.update', 'client.secret') AND at >= @since AND actor_id = @actor_id AND result = 'success'
  AND client_id = @client_id;

-- name: SetAccountApproval :execrows
UPDATE accounts SET approval = @approval, updated_at = @now WHERE id = @id AND approval <> @approval;

-- name: SetSurfaceApproval :execrows
-- Guarded by the former value, so that of two operators only one changes it.
UPDATE surfaces SET approval = @approval, updated_at = @now WHERE id = @id AND approval = @former;
