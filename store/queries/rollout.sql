-- name: PostponeFlow :execrows
-- The person put the set-up off in this sign-in.
UPDATE flows SET postponed = true
WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL AND account_id = @account_id;

-- name: BeginGrace :execrows
-- From here an account has its days, and not again under the same enforcement.
UPDATE accounts SET grace_from = @now, grace_until = @until, updated_at = @now WHERE id = @id;

-- name: SetSurfaceGrace :execrows
-- Guarded by the former value, so that of two operators only one changes it.
UPDATE surfaces SET grace_days = @grace_days, updated_at = @now WHERE id = @id AND grace_days = @former;

-- name: SetSurfaceAnnounced :execrows
-- What is announced changes nothing that is decided: the version stays.
UPDATE surfaces SET announced_for = sqlc.narg('announced_for') WHERE id = @id;

-- name: CountConcerned :one
-- Whom enforcement would stop: accounts of a kind without a factor; those whose factors of use (kinds separated by spaces) are all
-- addresses at which nothing arrives; and those with none of use.
SELECT
    count(CASE WHEN f.account_id IS NULL THEN 1 END) AS unset,
    count(CASE WHEN f.useful = 1 THEN 1 END) AS unreachable,
    count(CASE WHEN f.useful = 0 THEN 1 END) AS unusable,
    count(CASE WHEN a.last_sign_in_at >= CAST(@seen_since AS timestamptz) THEN 1 END) AS seen,
    count(CASE WHEN a.last_sign_in_at IS NULL THEN 1 END) AS never
FROM accounts a LEFT JOIN (
    -- 2: of use; 1: would be, if anything arrived there; 0: of none
    SELECT x.account_id, max(CASE
        WHEN x.disabled_at IS NOT NULL OR ' ' || CAST(@useful AS text) || ' ' NOT LIKE '% ' || x.kind || ' %' THEN 0
        WHEN x.bounced_at IS NOT NULL THEN 1
        ELSE 2 END) AS useful
    FROM factors x GROUP BY x.account_id) f ON f.account_id = a.id
WHERE a.kind = @kind AND a.disabled_at IS NULL AND (f.account_id IS NULL OR f.useful < 2);

-- name: ListConcerned :many
-- A page of them in the order of their login IDs, with what the list and its download say. Addresses at which nothing arrives are
-- undeliverable if another address would make the account one that is not concerned. They are counted and not asked for by EXISTS, for
-- which the planner reads the addresses of everybody.
SELECT a.id, a.login_id, a.login_key, a.display_name, a.role, a.two_factor, a.last_sign_in_at, a.grace_from, a.grace_until,
    g.name AS group_name, c.name AS customer_name, c.code AS customer_code, f.kind AS main_factor,
    (SELECT count(*) FROM factors b WHERE b.account_id = a.id AND b.disabled_at IS NULL AND b.bounced_at IS NOT NULL
        AND ' ' || CAST(@useful AS text) || ' ' LIKE '% ' || b.kind || ' %') > 0 AS undeliverable
FROM accounts a
LEFT JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN customers c ON c.id = g.customer_id
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE a.kind = @kind AND a.login_key > @after_key AND a.disabled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM factors x WHERE x.account_id = a.id AND x.disabled_at IS NULL AND x.bounced_at IS NULL
      AND ' ' || CAST(@useful AS text) || ' ' LIKE '% ' || x.kind || ' %')
ORDER BY a.login_key
LIMIT @page_size;

-- name: InsertAnnouncement :exec
INSERT INTO announcements (id, surface_id, enforce_on, total, mailed, skipped, created_at)
VALUES (@id, @surface_id, @enforce_on, @total, 0, 0, @now);

-- name: LatestAnnouncement :one
SELECT * FROM announcements WHERE surface_id = @surface_id ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: OpenAnnouncements :many
SELECT * FROM announcements WHERE finished_at IS NULL ORDER BY created_at;

-- name: StopAnnouncements :execrows
UPDATE announcements SET finished_at = @now WHERE surface_id = @surface_id AND finished_at IS NULL;

-- name: ListToAnnounce :many
-- The next accounts of a kind that an announcement concerns, in the order of their ids.
SELECT a.id, a.login_id, a.registered_email, a.lang
FROM accounts a
WHERE a.kind = @kind AND a.id > @after_id AND a.disabled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id AND f.disabled_at IS NULL AND f.bounced_at IS NULL
      AND ' ' || CAST(@useful AS text) || ' ' LIKE '% ' || f.kind || ' %')
ORDER BY a.id
LIMIT @page_size;

-- name: AdvanceAnnouncement :execrows
-- Guarded by where it stood: of two servers that queue the same mails, one commits.
UPDATE announcements SET last_account = @last_account, mailed = mailed + @mailed, skipped = skipped + @skipped
WHERE id = @id AND finished_at IS NULL AND mailed + skipped = @former;

-- name: FinishAnnouncement :execrows
UPDATE announcements SET finished_at = @now WHERE id = @id AND finished_at IS NULL;

-- name: CountQueuedOfKind :one
SELECT count(*) FROM outbox WHERE kind = @kind AND state = 'queued';
