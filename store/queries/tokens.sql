-- name: InsertGrant :exec
-- A session that ends while this is written does not see the grant and cannot revoke it; so whoever uses a grant looks at the
-- session too.
INSERT INTO grants (id, client_id, account_id, session_id, surface_id, credential_epoch, second_factor, scope, nonce, evidence,
    redirect_uri, code_hash, code_challenge, code_expires_at, key_thumbprint, resources, claims, created_at, expires_at)
VALUES (@id, @client_id, @account_id, @session_id, @surface_id, @credential_epoch, @second_factor, @scope, @nonce, @evidence,
    @redirect_uri, @code_hash, @code_challenge, @code_expires_at, @key_thumbprint, @resources, @claims, @now, @expires_at);

-- name: RedeemCode :one
-- The whole decision of the token endpoint in one statement: the code is unused and fresh, everything the request must prove
-- matches, and the client, the account, its session and the policy still allow it. A code is older than its surface's policy only in the moment
-- of a change: it is refused whatever the change was, and the next redirect brings one that was judged by the new policy.
UPDATE grants SET redeemed_at = @now, redemption_id = @token_set_id
WHERE code_hash = @code_hash AND client_id = @client_id AND redirect_uri = @redirect_uri AND code_challenge = @code_challenge
  AND (key_thumbprint = '' OR key_thumbprint = @key_thumbprint)
  AND redeemed_at IS NULL AND revoked_at IS NULL AND code_expires_at > @now
  AND EXISTS (
    SELECT 1 FROM accounts a JOIN surfaces s ON s.id = grants.surface_id
    WHERE a.id = grants.account_id AND a.disabled_at IS NULL AND a.credential_epoch = grants.credential_epoch
      AND s.updated_at <= grants.created_at
      AND (grants.second_factor OR NOT (s.enforced OR a.two_factor = 'use') OR a.exempt_until > @now
        OR a.two_factor <> 'use' AND s.grace_days > 0 AND a.grace_from >= s.enforced_since AND a.grace_until > @now))
  AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = grants.session_id AND e.ended_at IS NOT NULL)
  AND EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id AND c.disabled_at IS NULL)
RETURNING id, account_id, session_id, scope, nonce, evidence, claims, resources, expires_at;

-- name: InsertCodeTokenSet :execrows
-- Follows RedeemCode in its batch and writes only if that statement won, which the redemption id shows.
INSERT INTO token_sets (id, grant_id, client_id, scope, access_hash, access_expires_at, refresh_hash, refresh_expires_at, key_thumbprint,
    audience, created_at, expires_at)
SELECT g.redemption_id, g.id, g.client_id, g.scope, CAST(@access_hash AS bytea), CAST(@access_expires_at AS timestamptz),
    CASE WHEN CAST(@offline AS boolean) AND (' ' || g.scope || ' ') LIKE '% offline_access %' THEN CAST(@refresh_hash AS bytea) END,
    CASE WHEN CAST(@offline AS boolean) AND (' ' || g.scope || ' ') LIKE '% offline_access %' THEN CAST(@refresh_expires_at AS timestamptz) END,
    CAST(@key_thumbprint AS text), CASE WHEN CAST(@audience AS text) = '' THEN g.resources ELSE CAST(@audience AS text) END,
    CAST(@now AS timestamptz), g.expires_at
FROM grants g
WHERE g.code_hash = @code_hash AND g.redemption_id = @token_set_id;

-- name: GetGrantByCode :one
-- Why a redemption failed: only read when it did.
SELECT * FROM grants WHERE code_hash = @code_hash;

-- name: BurnCode :execrows
-- A redemption that proved the wrong things spends the code all the same.
UPDATE grants SET redeemed_at = @now WHERE code_hash = @code_hash AND redeemed_at IS NULL;

-- name: GetRefresh :one
-- Everything a refresh decides on, by the token's hash.
SELECT t.id, t.client_id, t.key_thumbprint, t.created_at, t.refresh_expires_at, t.refresh_used_at, t.successor_id,
    g.id AS grant_id, g.account_id, g.session_id, g.scope AS grant_scope, g.evidence, g.claims, g.resources,
    g.expires_at AS grant_expires_at, g.revoked_at, g.credential_epoch,
    a.credential_epoch AS account_epoch, a.disabled_at AS account_disabled_at,
    a.two_factor, a.exempt_until, a.grace_from, a.grace_until, sqlc.embed(s)
FROM token_sets t
JOIN grants g ON g.id = t.grant_id
JOIN accounts a ON a.id = g.account_id
JOIN surfaces s ON s.id = g.surface_id
WHERE t.refresh_hash = @refresh_hash;

-- name: UseRefreshToken :execrows
-- A public client must prove that it has the key its token is bound to (RFC 9449 section 5).
UPDATE token_sets SET refresh_used_at = @now, successor_id = @successor_id, access_revoked_at = @now
WHERE token_sets.id = @id AND refresh_used_at IS NULL AND refresh_expires_at > @now
  AND (CAST(@confidential AS boolean) OR token_sets.key_thumbprint = '' OR token_sets.key_thumbprint = @key_thumbprint)
  AND EXISTS (
    SELECT 1 FROM grants g
    JOIN accounts a ON a.id = g.account_id AND a.disabled_at IS NULL AND a.credential_epoch = g.credential_epoch
    JOIN surfaces s ON s.id = g.surface_id
    JOIN clients c ON c.id = g.client_id AND c.disabled_at IS NULL
    WHERE g.id = token_sets.grant_id AND g.revoked_at IS NULL AND g.expires_at > @now
      AND (g.second_factor OR NOT (s.enforced OR a.two_factor = 'use') OR a.exempt_until > @now
        OR a.two_factor <> 'use' AND s.grace_days > 0 AND a.grace_from >= s.enforced_since AND a.grace_until > @now)
      AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = g.session_id AND e.ended_at IS NOT NULL));

-- name: InsertRefreshedTokenSet :execrows
-- Follows UseRefreshToken in its batch and writes only if that statement won.
INSERT INTO token_sets (id, grant_id, client_id, scope, access_hash, access_expires_at, refresh_hash, refresh_expires_at, key_thumbprint,
    audience, created_at, expires_at)
SELECT p.successor_id, p.grant_id, p.client_id, CAST(@scope AS text), CAST(@access_hash AS bytea), CAST(@access_expires_at AS timestamptz),
    CAST(@refresh_hash AS bytea), CAST(@refresh_expires_at AS timestamptz), CAST(@key_thumbprint AS text), CAST(@audience AS text),
    CAST(@now AS timestamptz), p.expires_at
FROM token_sets p
WHERE p.id = @id AND p.successor_id = @successor_id;

-- name: RenewAccessToken :execrows
-- The refresh token stays; the access token beside it is replaced.
UPDATE token_sets SET access_hash = @access_hash, access_expires_at = @access_expires_at, access_revoked_at = NULL,
    refresh_expires_at = @refresh_expires_at, scope = @scope, key_thumbprint = @key_thumbprint, audience = @audience
WHERE token_sets.id = @id AND refresh_used_at IS NULL AND refresh_expires_at > @now
  AND (CAST(@confidential AS boolean) OR token_sets.key_thumbprint = '' OR token_sets.key_thumbprint = @key_thumbprint)
  AND EXISTS (
    SELECT 1 FROM grants g
    JOIN accounts a ON a.id = g.account_id AND a.disabled_at IS NULL AND a.credential_epoch = g.credential_epoch
    JOIN surfaces s ON s.id = g.surface_id
    JOIN clients c ON c.id = g.client_id AND c.disabled_at IS NULL
    WHERE g.id = token_sets.grant_id AND g.revoked_at IS NULL AND g.expires_at > @now
      AND (g.second_factor OR NOT (s.enforced OR a.two_factor = 'use') OR a.exempt_until > @now
        OR a.two_factor <> 'use' AND s.grace_days > 0 AND a.grace_from >= s.enforced_since AND a.grace_until > @now)
      AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = g.session_id AND e.ended_at IS NOT NULL));

-- name: RevokeExchanged :execrows
-- Ends what was exchanged for the access token of a row whose access token is replaced: it looks at the row, which lives on.
UPDATE token_sets SET access_revoked_at = @now
WHERE grant_id = (SELECT p.grant_id FROM token_sets p WHERE p.id = @id) AND parent_id = @id AND access_revoked_at IS NULL;

-- name: LockTokenSet :one
-- Makes those who present one token of a row at the same time take turns: the row stays locked until the transaction ends.
UPDATE token_sets SET successor_id = successor_id WHERE id = @id RETURNING *;

-- name: VoidTokenSet :execrows
-- What was issued and has not been used: neither of its tokens counts from here on, and whoever presents the refresh token is the second
-- to do so.
UPDATE token_sets SET refresh_used_at = @now, access_revoked_at = @now
WHERE token_sets.id = @id AND refresh_used_at IS NULL AND access_revoked_at IS NULL AND refresh_expires_at > @now
  AND token_sets.scope = @scope AND token_sets.key_thumbprint = @key_thumbprint AND token_sets.audience = @audience
  AND EXISTS (
    SELECT 1 FROM grants g
    JOIN accounts a ON a.id = g.account_id AND a.disabled_at IS NULL AND a.credential_epoch = g.credential_epoch
    JOIN surfaces s ON s.id = g.surface_id
    JOIN clients c ON c.id = g.client_id AND c.disabled_at IS NULL
    WHERE g.id = token_sets.grant_id AND g.revoked_at IS NULL AND g.expires_at > @now
      AND (g.second_factor OR NOT (s.enforced OR a.two_factor = 'use') OR a.exempt_until > @now
        OR a.two_factor <> 'use' AND s.grace_days > 0 AND a.grace_from >= s.enforced_since AND a.grace_until > @now)
      AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = g.session_id AND e.ended_at IS NOT NULL));

-- name: InsertReissuedTokenSet :execrows
-- Follows SetSuccessor: the row gets the id that is noted there, and everything else but the tokens of the one that is void.
INSERT INTO token_sets (id, grant_id, client_id, scope, access_hash, access_expires_at, refresh_hash, refresh_expires_at, key_thumbprint,
    audience, created_at, expires_at)
SELECT p.successor_id, v.grant_id, v.client_id, v.scope, CAST(@access_hash AS bytea), CAST(@access_expires_at AS timestamptz),
    CAST(@refresh_hash AS bytea), CAST(@refresh_expires_at AS timestamptz), v.key_thumbprint, v.audience, CAST(@now AS timestamptz), v.expires_at
FROM token_sets p JOIN token_sets v ON v.id = @void_id
WHERE p.id = @id AND p.successor_id = @successor_id;

-- name: SetSuccessor :execrows
UPDATE token_sets SET successor_id = @successor_id WHERE id = @id;

-- name: InsertClientTokenSet :exec
-- client_credentials: a token of the client itself.
INSERT INTO token_sets (id, client_id, scope, access_hash, access_expires_at, key_thumbprint, audience, created_at, expires_at)
VALUES (@id, @client_id, @scope, @access_hash, @access_expires_at, @key_thumbprint, @audience, @now, @access_expires_at);

-- name: GetAccessToken :one
-- A live access token with what its grant and its account say to those who ask about it. Whether one that was exchanged still rests on
-- something is for GetExchangedToken: only DB.AccessToken runs this, which asks both.
SELECT t.id, t.client_id, t.parent_id, t.actors, t.scope, t.audience, t.key_thumbprint, t.created_at, t.access_expires_at,
    g.id AS grant_id, g.account_id, g.session_id, g.evidence, g.claims, g.expires_at AS grant_expires_at,
    a.login_id, a.display_name, a.registered_email
FROM token_sets t
JOIN grants g ON g.id = t.grant_id AND g.revoked_at IS NULL AND g.expires_at > @now
JOIN accounts a ON a.id = g.account_id AND a.disabled_at IS NULL AND a.credential_epoch = g.credential_epoch
JOIN clients c ON c.id = t.client_id AND c.disabled_at IS NULL
WHERE t.access_hash = @access_hash AND t.access_revoked_at IS NULL AND t.access_expires_at > @now
  AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = g.session_id AND e.ended_at IS NOT NULL);

-- name: GetExchangedToken :one
-- A token that was exchanged lives as long as all it came from, of which there are three at most, and all their clients: see
-- InsertExchangedTokenSet. The token itself is looked at too, so that all of the line is seen at one moment.
SELECT t.id
FROM token_sets t
JOIN token_sets p ON p.id = t.parent_id AND p.access_revoked_at IS NULL
JOIN clients pc ON pc.id = p.client_id AND pc.disabled_at IS NULL
LEFT JOIN token_sets q ON q.id = p.parent_id LEFT JOIN clients qc ON qc.id = q.client_id
LEFT JOIN token_sets r ON r.id = q.parent_id LEFT JOIN clients rc ON rc.id = r.client_id
WHERE t.id = @id AND t.access_revoked_at IS NULL
  AND (p.parent_id IS NULL OR qc.id IS NOT NULL AND q.access_revoked_at IS NULL AND qc.disabled_at IS NULL)
  AND (q.parent_id IS NULL OR rc.id IS NOT NULL AND r.access_revoked_at IS NULL AND rc.disabled_at IS NULL);

-- name: InsertExchangedTokenSet :execrows
-- A token in exchange for another (RFC 8693), if that one still lives and outlives it; it belongs to the same grant and ends with it. Whoever
-- ends the one it was made of ends it too, since its row is looked at with every use. The row must still have the access token that was
-- shown; it follows LockTokenSet, so that none that takes its place beside this statement (RenewAccessToken) misses what is written here.
INSERT INTO token_sets (id, grant_id, client_id, parent_id, actors, scope, access_hash, access_expires_at, key_thumbprint, audience,
    created_at, expires_at)
SELECT CAST(@id AS uuid), t.grant_id, CAST(@client_id AS text), t.id, CAST(@actors AS text), CAST(@scope AS text),
    CAST(@access_hash AS bytea), CAST(@access_expires_at AS timestamptz), CAST(@key_thumbprint AS text), CAST(@audience AS text),
    CAST(@now AS timestamptz), CAST(@access_expires_at AS timestamptz)
FROM token_sets t
JOIN grants g ON g.id = t.grant_id AND g.revoked_at IS NULL AND g.expires_at >= @access_expires_at
JOIN accounts a ON a.id = g.account_id AND a.disabled_at IS NULL AND a.credential_epoch = g.credential_epoch
JOIN clients c ON c.id = t.client_id AND c.disabled_at IS NULL
WHERE t.id = @parent_id AND t.access_hash = @parent_hash AND t.access_revoked_at IS NULL AND t.access_expires_at > @now
  AND t.access_expires_at >= @access_expires_at
  AND EXISTS (SELECT 1 FROM clients d WHERE d.id = @client_id AND d.disabled_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.id = g.session_id AND e.ended_at IS NOT NULL)
  AND (t.parent_id IS NULL OR EXISTS (
    SELECT 1 FROM token_sets p JOIN clients pc ON pc.id = p.client_id
    LEFT JOIN token_sets q ON q.id = p.parent_id LEFT JOIN clients qc ON qc.id = q.client_id
    LEFT JOIN token_sets r ON r.id = q.parent_id LEFT JOIN clients rc ON rc.id = r.client_id
    WHERE p.id = t.parent_id AND p.access_revoked_at IS NULL AND pc.disabled_at IS NULL
      AND (p.parent_id IS NULL OR qc.id IS NOT NULL AND q.access_revoked_at IS NULL AND qc.disabled_at IS NULL)
      AND (q.parent_id IS NULL OR rc.id IS NOT NULL AND r.access_revoked_at IS NULL AND rc.disabled_at IS NULL)));

-- name: GetClientAccessToken :one
SELECT t.id, t.client_id, t.scope, t.audience, t.key_thumbprint, t.created_at, t.access_expires_at
FROM token_sets t
JOIN clients c ON c.id = t.client_id AND c.disabled_at IS NULL
WHERE t.access_hash = @access_hash AND t.grant_id IS NULL AND t.access_revoked_at IS NULL AND t.access_expires_at > @now;

-- name: RevokeAccessToken :execrows
UPDATE token_sets SET access_revoked_at = @now
WHERE access_hash = @access_hash AND client_id = @client_id AND access_revoked_at IS NULL;

-- name: RevokeGrant :execrows
UPDATE grants SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL;

-- name: RevokeSessionGrants :execrows
UPDATE grants SET revoked_at = @now WHERE session_id = @session_id AND revoked_at IS NULL;

-- name: RevokeAccountGrants :execrows
UPDATE grants SET revoked_at = @now WHERE account_id = @account_id AND revoked_at IS NULL;

-- name: RevokeConsentGrants :execrows
-- Of what ended before the client is told nothing more either.
UPDATE grants SET revoked_at = coalesce(revoked_at, @now), forgotten_at = @now
WHERE account_id = @account_id AND client_id = @client_id AND forgotten_at IS NULL;

-- name: RevokeOtherGrants :execrows
UPDATE grants SET revoked_at = @now WHERE account_id = @account_id AND session_id <> @keep AND revoked_at IS NULL;

-- name: CarrySessionGrants :execrows
-- The person's own change raised the epoch: what their own session gave out goes on.
UPDATE grants SET credential_epoch = @credential_epoch
WHERE account_id = @account_id AND session_id = @session_id AND revoked_at IS NULL;

-- name: SweepGrants :execrows
DELETE FROM grants WHERE id IN (SELECT g.id FROM grants g WHERE g.expires_at < @before ORDER BY g.expires_at LIMIT @batch_size);

-- name: SweepTokenSets :execrows
DELETE FROM token_sets WHERE id IN (SELECT t.id FROM token_sets t WHERE t.expires_at < @before ORDER BY t.expires_at LIMIT @batch_size);
