-- Fills an empty PostgreSQL: twenty accounts per customer, ten family names and five given ones, half of the accounts with a factor, ten
-- audit rows for each, and messages: so that a page is full, and a search has as much to look at, at a thousand accounts as at a million.
-- The entries of the search index are those that the program makes; the hashes of the audit rows are random, so that they cannot be
-- verified. Indexes are made at the end, which is how such tables are loaded.
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';
CREATE TEMP TABLE later AS
    SELECT indexdef || ';' AS make, format('DROP INDEX %I', indexname) AS drop_it FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename IN ('audit_events', 'outbox', 'search_terms', 'accounts', 'factors') AND indexname NOT LIKE '%_pkey'
    UNION ALL
    SELECT format('ALTER TABLE %I ADD PRIMARY KEY (%s);', t, c), format('ALTER TABLE %I DROP CONSTRAINT %I', t, t || '_pkey')
    FROM (VALUES ('audit_events', 'id'), ('search_terms', 'subject_id, term')) AS v (t, c);
SELECT drop_it FROM later \gexec

-- Ids are in the order in which things were made, as those of the program are.
CREATE TEMP TABLE c AS SELECT i, (lpad(to_hex(1700000000000 + i), 12, '0') || '7' || substr(md5('c' || i), 1, 19))::uuid AS id,
    (lpad(to_hex(1700000000000 + i), 12, '0') || '7' || substr(md5('g' || i), 1, 19))::uuid AS grp FROM generate_series(0, :accounts / 20) AS i;
INSERT INTO customers (id, code, name, search_key, created_at, updated_at, indexed)
    SELECT id, 'C-' || lpad(i::text, 6, '0'), '株式会社見本' || lpad(i::text, 6, '0'), 'c-' || lpad(i::text, 6, '0') || ' 株式会社見本' || lpad(i::text, 6, '0'), now(), now(), true FROM c;
INSERT INTO user_groups (id, customer_id, name, created_at, updated_at) SELECT grp, id, '本社', now(), now() FROM c;
CREATE TEMP TABLE p AS SELECT n.i, (lpad(to_hex(1700000000000 + n.i), 12, '0') || '7' || substr(md5('a' || n.i), 1, 19))::uuid AS id,
        (lpad(to_hex(1700000000000 + n.i), 12, '0') || '7' || substr(md5('f' || n.i), 1, 19))::uuid AS factor,
        c.grp,
        'user' || lpad(n.i::text, 7, '0') AS login, chr(x'7530'::int + n.i % 10) || chr(x'4e2d'::int) AS family,
        chr(x'4e00'::int + (n.i / 10) % 5) || chr(x'90ce'::int) AS given
    FROM generate_series(1, :accounts) AS n (i) JOIN c ON c.i = n.i / 20;
ANALYZE p;
INSERT INTO accounts (id, kind, login_id, login_key, display_name, search_key, role, user_group_id, password_hash, registered_email,
        two_factor, credential_epoch, last_sign_in_at, created_at, updated_at, indexed)
    SELECT id, 'store', login, login, family || ' ' || given, login || ' ' || family || given || ' ' || login || '@example.jp', 'buyer', grp, '',
        login || '@example.jp', CASE WHEN i % 2 = 0 THEN 'use' ELSE 'dont_use' END, 1,
        CASE WHEN i % 5 > 0 THEN now() - i % 400 * interval '1 day' END, now(), now(), true
    FROM p ORDER BY id;
INSERT INTO factors (id, account_id, kind, address, main, failures, verified_at, created_at, bounced_at)
    SELECT factor, id, 'email', login || '-2fa@example.jp', true, 0, now(), now(), CASE WHEN i % 400 = 0 THEN now() END FROM p WHERE i % 2 = 0 ORDER BY id;
INSERT INTO search_terms (term, kind, subject_id)
    SELECT unnest(ARRAY[login, substr(login, 5), login || '@example.jp', substr(login, 5) || '@example.jp', 'example.jp', 'jp',
        family || given, substr(family, 2) || given, given, substr(given, 2)]), 'store', id FROM p;
INSERT INTO search_terms (term, kind, subject_id)
    SELECT unnest(ARRAY['c-' || n, '株式会社見本' || n, '式会社見本' || n, '会社見本' || n, '社見本' || n,
        '見本' || n, '本' || n, n]), 'customer', id FROM (SELECT c.*, lpad(i::text, 6, '0') AS n FROM c) c;
INSERT INTO outbox (id, channel, kind, account_id, recipient, state, attempts, available_at, deadline, reply, created_at)
    SELECT message, 'email', 'code', id, login || '-2fa@example.jp', CASE n % 100 WHEN 7 THEN 'failed' WHEN 8 THEN 'bounced' ELSE 'accepted' END, 1,
        at, at, '250 ok', at
    FROM (SELECT n, p.id, p.login, (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5('m' || n), 1, 19))::uuid AS message,
            now() - (:messages - n) * (interval '30 days' / :messages) AS at
        FROM generate_series(1, :messages) AS g (n) JOIN p ON p.i = g.n % :accounts + 1) m ORDER BY n;

INSERT INTO audit_events (id, at, type, result, reason, actor_kind, actor_id, actor_name, account_id, target, client_id, client_address,
        user_agent, request_id, data, stream, seq, prev_hash, hash)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid, at,
        CASE WHEN r < 400 THEN 'signin.password' WHEN r < 730 THEN 'signin.factor' WHEN r < 930 THEN 'signin.complete' WHEN r < 945 THEN '2fa.code_send'
            WHEN r < 955 THEN 'session.end' WHEN r < 960 THEN 'device.trust' WHEN r < 970 THEN 'account.update' WHEN r < 980 THEN 'token.refuse'
            WHEN r < 990 THEN '2fa.reset' ELSE 'key.create' END,
        CASE WHEN r BETWEEN 350 AND 399 OR r BETWEEN 700 AND 729 THEN 'failure' WHEN r BETWEEN 970 AND 979 THEN 'refused' ELSE 'success' END, '',
        CASE WHEN r BETWEEN 350 AND 399 THEN 'anonymous' WHEN r < 960 THEN 'account' WHEN r BETWEEN 970 AND 979 THEN 'client' WHEN r < 990 THEN 'operator'
            ELSE 'system' END,
        '', CASE WHEN r < 350 OR r BETWEEN 400 AND 959 THEN login WHEN r BETWEEN 970 AND 979 THEN 'store' WHEN r < 990 THEN 'support' ELSE '' END,
        CASE WHEN r BETWEEN 350 AND 399 THEN NULL ELSE id END, login, CASE WHEN r < 930 THEN 'store' ELSE '' END, '192.0.2.7',
        'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', md5('r' || n / 3), '{}',
        CASE WHEN r BETWEEN 350 AND 399 THEN 'installation-' || lpad((n % 32)::text, 2, '0') ELSE id::text END,
        CASE WHEN r BETWEEN 350 AND 399 THEN n ELSE n / :accounts + 1 END,
        decode(md5(n::text) || md5('b' || n), 'hex'), decode(md5('c' || n) || md5('d' || n), 'hex')
    FROM (SELECT g.n, (g.n::bigint * 7919) % 1000 AS r, now() - (:events - g.n) * (interval '30 days' / :events) AS at, p.*
        FROM generate_series(0, :events - 1) AS g (n) JOIN p ON p.i = g.n % :accounts + 1) e
    ORDER BY n;
SELECT make FROM later \gexec
VACUUM (ANALYZE);
