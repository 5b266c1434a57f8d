-- name: DeleteSearchTerms :exec
DELETE FROM search_terms WHERE subject_id = @subject_id;

-- name: InsertSearchTerms :exec
-- Eight at a time; one that is there already is left alone.
INSERT INTO search_terms (term, kind, subject_id) VALUES
    (@t1, @kind, @subject_id), (@t2, @kind, @subject_id), (@t3, @kind, @subject_id), (@t4, @kind, @subject_id),
    (@t5, @kind, @subject_id), (@t6, @kind, @subject_id), (@t7, @kind, @subject_id), (@t8, @kind, @subject_id)
ON CONFLICT (subject_id, term) DO NOTHING;

-- name: SetAccountIndexed :exec
UPDATE accounts SET indexed = true WHERE id = @id;

-- name: SetCustomerIndexed :exec
UPDATE customers SET indexed = true WHERE id = @id;

-- name: ListAccountsUnindexed :many
SELECT * FROM accounts WHERE NOT indexed ORDER BY id LIMIT @page_size;

-- name: ListCustomersUnindexed :many
SELECT * FROM customers WHERE NOT indexed ORDER BY id LIMIT @page_size;

-- name: SearchSubjects :many
-- Who has a term that begins with the first word, and terms that begin with the others, in the order of the term and the id: each once,
-- at the first of its terms, and none that has a term which begins with the phrase, if there is one. The list begins at a term, behind
-- an id, and looks at no more than so many entries of the index. An account is also found by the words of its customer, but not by
-- these alone. Each condition is a look-up of one row, which no planner turns into reading everybody who fulfils it.
SELECT t.term, t.subject_id
FROM (SELECT x.term, x.subject_id FROM search_terms x
    WHERE x.kind = @kind AND x.term >= CAST(@start AS text) AND x.term < CAST(@word_end AS text)
      AND (x.term > CAST(@start AS text) OR x.subject_id > @after_id)
    ORDER BY x.term, x.subject_id LIMIT @look) t
WHERE (SELECT e.term FROM search_terms e WHERE e.subject_id = t.subject_id AND e.term >= @word AND e.term < t.term LIMIT 1) IS NULL
  AND (CAST(@second AS text) = ''
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = t.subject_id AND w.term >= CAST(@second AS text) AND w.term < CAST(@second_end AS text) LIMIT 1) IS NOT NULL
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = (SELECT g.customer_id FROM accounts a JOIN user_groups g ON g.id = a.user_group_id WHERE a.id = t.subject_id)
          AND w.term >= CAST(@second AS text) AND w.term < CAST(@second_end AS text) LIMIT 1) IS NOT NULL)
  AND (CAST(@third AS text) = ''
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = t.subject_id AND w.term >= CAST(@third AS text) AND w.term < CAST(@third_end AS text) LIMIT 1) IS NOT NULL
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = (SELECT g.customer_id FROM accounts a JOIN user_groups g ON g.id = a.user_group_id WHERE a.id = t.subject_id)
          AND w.term >= CAST(@third AS text) AND w.term < CAST(@third_end AS text) LIMIT 1) IS NOT NULL)
  AND (CAST(@phrase AS text) = ''
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = t.subject_id AND w.term >= CAST(@phrase AS text) AND w.term < CAST(@phrase_end AS text) LIMIT 1) IS NULL)
ORDER BY t.term, t.subject_id
LIMIT @page_size;

-- name: LastOfSubjects :one
-- The last of the next so many entries of the index that begin with a word, and how many there are.
SELECT w.term, w.subject_id, count(*) OVER () AS looked
FROM (SELECT x.term, x.subject_id FROM search_terms x
    WHERE x.kind = @kind AND x.term >= CAST(@start AS text) AND x.term < CAST(@word_end AS text)
      AND (x.term > CAST(@start AS text) OR x.subject_id > @after_id)
    ORDER BY x.term, x.subject_id LIMIT @look) w
ORDER BY w.term DESC, w.subject_id DESC
LIMIT 1;

-- name: CountAtCustomers :one
-- How many accounts of a kind the customers have who have a term that begins with a word, counted no further than so many.
SELECT count(*)
FROM (SELECT a.id FROM (SELECT DISTINCT x.subject_id FROM search_terms x
        WHERE x.kind = 'customer' AND x.term >= @word AND x.term < CAST(@word_end AS text) LIMIT @look) c
    JOIN user_groups g ON g.customer_id = c.subject_id
    JOIN accounts a ON a.user_group_id = g.id
    WHERE a.kind = @kind
    LIMIT @look) m;

-- name: SearchAtCustomers :many
-- Accounts of customers who have a term that begins with the first word, in the order of their ids after one of them, that have terms which
-- begin with the others, or whose customer has, but for one at least: as in SearchSubjects, and for when CountAtCustomers finds few.
SELECT a.id
FROM (SELECT DISTINCT x.subject_id FROM search_terms x
    WHERE x.kind = 'customer' AND x.term >= @word AND x.term < CAST(@word_end AS text) LIMIT @look) c
JOIN user_groups g ON g.customer_id = c.subject_id
JOIN accounts a ON a.user_group_id = g.id
WHERE a.kind = @kind AND a.id > @after_id
  AND ((SELECT w.term FROM search_terms w
        WHERE w.subject_id = a.id AND w.term >= CAST(@second AS text) AND w.term < CAST(@second_end AS text) LIMIT 1) IS NOT NULL
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = g.customer_id AND w.term >= CAST(@second AS text) AND w.term < CAST(@second_end AS text) LIMIT 1) IS NOT NULL)
  AND (CAST(@third AS text) = ''
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = a.id AND w.term >= CAST(@third AS text) AND w.term < CAST(@third_end AS text) LIMIT 1) IS NOT NULL
    OR (SELECT w.term FROM search_terms w
        WHERE w.subject_id = g.customer_id AND w.term >= CAST(@third AS text) AND w.term < CAST(@third_end AS text) LIMIT 1) IS NOT NULL)
  AND ((SELECT w.term FROM search_terms w
        WHERE w.subject_id = a.id AND w.term >= CAST(@second AS text) AND w.term < CAST(@second_end AS text) LIMIT 1) IS NOT NULL
    OR CAST(@third AS text) <> '' AND (SELECT w.term FROM search_terms w
        WHERE w.subject_id = a.id AND w.term >= CAST(@third AS text) AND w.term < CAST(@third_end AS text) LIMIT 1) IS NOT NULL)
  AND (SELECT w.term FROM search_terms w
        WHERE w.subject_id = a.id AND w.term >= CAST(@phrase AS text) AND w.term < CAST(@phrase_end AS text) LIMIT 1) IS NULL
ORDER BY a.id
LIMIT @page_size;

-- name: SearchFactorAddresses :many
-- Accounts of a kind with a factor whose address begins with a text, in the order of the address.
SELECT f.address, f.account_id
FROM factors f JOIN accounts a ON a.id = f.account_id
WHERE f.address >= CAST(@start AS text) AND f.address < CAST(@word_end AS text)
  AND (f.address > CAST(@start AS text) OR f.account_id > @after_id)
  AND a.kind <> CAST(@hidden_kind AS text)
ORDER BY f.address, f.account_id
LIMIT @page_size;

-- name: GetAccountHit :one
-- What a search shows of an account.
SELECT a.id, a.kind, a.login_id, a.display_name, a.role, a.two_factor, a.disabled_at, a.last_sign_in_at, f.kind AS main_factor,
    c.name AS customer_name, c.code AS customer_code, CAST(COALESCE(CAST(c.id AS text), '') AS text) AS customer_ref
FROM accounts a
LEFT JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN customers c ON c.id = g.customer_id
LEFT JOIN factors f ON f.account_id = a.id AND f.main
WHERE a.id = @id;
