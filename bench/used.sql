-- Copies of the one account there is, of its session, its grant and its tokens: twenty thousand people who signed in once.

INSERT INTO accounts
SELECT (jsonb_populate_record(a, jsonb_build_object('id', md5('account ' || n)::uuid, 'login_id', 'used-' || n, 'login_key', 'used-' || n))).*
FROM accounts a, generate_series(1, 20000) n WHERE a.id = (SELECT id FROM accounts LIMIT 1);

INSERT INTO sessions
SELECT (jsonb_populate_record(s, jsonb_build_object(
    'id', md5('session ' || n)::uuid, 'account_id', md5('account ' || n)::uuid, 'token_hash', sha256(convert_to('session ' || n, 'UTF8'))))).*
FROM sessions s, generate_series(1, 20000) n WHERE s.id = (SELECT id FROM sessions LIMIT 1);

INSERT INTO grants
SELECT (jsonb_populate_record(g, jsonb_build_object(
    'id', md5('grant ' || n)::uuid, 'account_id', md5('account ' || n)::uuid, 'session_id', md5('session ' || n)::uuid,
    'code_hash', sha256(convert_to('code ' || n, 'UTF8')), 'redemption_id', md5('tokens ' || n)::uuid))).*
FROM grants g, generate_series(1, 20000) n WHERE g.id = (SELECT id FROM grants LIMIT 1);

INSERT INTO token_sets
SELECT (jsonb_populate_record(t, jsonb_build_object(
    'id', md5('tokens ' || n)::uuid, 'grant_id', md5('grant ' || n)::uuid,
    'access_hash', sha256(convert_to('access ' || n, 'UTF8')), 'refresh_hash', sha256(convert_to('refresh ' || n, 'UTF8'))))).*
FROM token_sets t, generate_series(1, 20000) n WHERE t.id = (SELECT id FROM token_sets LIMIT 1);

ANALYZE;
