-- What breaks an invariant, one row each: who, and how. Nothing is found on a healthy install.

-- name: rows
SELECT id, state, uid, result, reason FROM matches WHERE id = ANY($1::uuid[])

-- name: rated_twice
SELECT match_id::text || ' ' || player_id::text AS who,
       'rated ' || count(*) || ' times' AS how
FROM rating_ledger GROUP BY match_id, player_id HAVING count(*) > 1

-- name: rated_wrongly
SELECT DISTINCT l.match_id::text AS who,
       'rated, but it is ' || CASE WHEN m.ranked THEN m.state ELSE 'not ranked' END AS how
FROM rating_ledger l JOIN matches m ON m.id = l.match_id
WHERE m.state <> 'completed' OR NOT m.ranked

-- name: not_rated
-- Nobody is rated for playing alone, or with bots only: two teams must have somebody.
SELECT m.id::text AS who, 'completed and ranked, and ' || s.player_id || ' was not rated' AS how
FROM matches m JOIN seats s ON s.match_id = m.id
WHERE m.state = 'completed' AND m.ranked AND s.player_id IS NOT NULL
  AND EXISTS (SELECT 1 FROM seats o
              WHERE o.match_id = m.id AND o.player_id IS NOT NULL AND o.team <> s.team)
  AND NOT EXISTS (SELECT 1 FROM rating_ledger l
                  WHERE l.match_id = m.id AND l.player_id = s.player_id)

-- name: ladders
SELECT DISTINCT game, mode FROM ratings ORDER BY game, mode

-- name: not_the_fold
WITH folded AS (
    SELECT player_id, game, mode, count(*) AS games, sum(delta) AS moved,
           (array_agg(before ORDER BY seq))[1] AS first
    FROM rating_ledger GROUP BY player_id, game, mode
)
SELECT coalesce(f.player_id, r.player_id)::text AS who,
       coalesce(f.game, r.game) || '/' || coalesce(f.mode, r.mode)
       || ': rating ' || coalesce(r.rating::text, 'none') || ' after '
       || coalesce(r.games::text, 'no') || ' games, the ledger says '
       || coalesce((f.first + f.moved)::text, 'none') || ' after '
       || coalesce(f.games, 0) AS how
FROM folded f FULL JOIN ratings r
  ON r.player_id = f.player_id AND r.game = f.game AND r.mode = f.mode
WHERE coalesce(r.games, 0) <> coalesce(f.games, 0)
   OR (f.player_id IS NOT NULL AND r.rating IS DISTINCT FROM f.first + f.moved)

-- name: broken_chain
SELECT player_id::text AS who,
       game || '/' || mode || ': ' || match_id || ' began at ' || before
       || ' and the match before ended at ' || previous AS how
FROM (
    SELECT player_id, game, mode, match_id, before,
           lag(after) OVER (PARTITION BY player_id, game, mode ORDER BY seq) AS previous
    FROM rating_ledger
) AS chained
WHERE previous IS NOT NULL AND previous <> before

-- name: tickets_overdue
SELECT id::text AS who, 'queued, and its time was over at ' || expires_at AS how
FROM tickets WHERE state = 'queued' AND expires_at < $1

-- name: tickets_astray
SELECT t.id::text AS who,
       t.state || ', and its match ' || coalesce(t.match_id::text, '(none)') || ' is '
       || coalesce(m.state, 'gone') AS how
FROM tickets t LEFT JOIN matches m ON m.id = t.match_id
WHERE t.changed_at < $1
  AND ((t.state = 'proposed' AND (m.id IS NULL OR m.state NOT IN ('requested', 'created')))
    OR (t.state = 'matched' AND (m.id IS NULL OR m.state IN ('requested', 'created'))))
  AND (m.id IS NULL OR greatest(m.created_at, m.ready_at, m.ended_at, m.requested_at) < $1)

-- name: tickets_twice
SELECT player_id::text AS who, count(*) || ' open tickets' AS how
FROM tickets WHERE state IN ('queued', 'proposed') GROUP BY player_id HAVING count(*) > 1

-- name: seats_twice
SELECT s.player_id::text AS who, count(*) || ' live seats' AS how
FROM seats s JOIN matches m ON m.id = s.match_id
WHERE s.player_id IS NOT NULL
  AND (s.live OR m.state IN ('requested', 'created', 'ready'))
GROUP BY s.player_id HAVING count(*) > 1

-- name: seats_astray
SELECT s.match_id::text AS who,
       'seat ' || s.seat || ' is ' || CASE WHEN s.live THEN 'live' ELSE 'not live' END
       || ' and the match is ' || m.state AS how
FROM seats s JOIN matches m ON m.id = s.match_id
WHERE s.live <> (m.state IN ('requested', 'created', 'ready'))

-- name: ends_astray
SELECT id::text AS who,
       state || ', ended at ' || coalesce(ended_at::text, 'no time') || ', '
       || CASE WHEN result IS NULL THEN 'no result' ELSE 'a result' END AS how
FROM matches
WHERE (state IN ('completed', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)
   OR (state = 'completed' AND result IS NULL)
   OR (state IN ('requested', 'created', 'ready') AND result IS NOT NULL)

-- name: ended_twice
SELECT event_id AS who, consumer || ' acted on it ' || count(*) || ' times' AS how
FROM inbox GROUP BY consumer, event_id HAVING count(*) > 1

-- name: slow
-- A late tick is made up for; a match that kept being slowed did not reach its rate. Single late
-- ticks are the mark of a busy machine, and say nothing about a client.
SELECT id::text AS who,
       (result->>'achieved_hz') || ' of ' || (result->>'tick_hz') || ' ticks a second, '
       || (result->>'late_ticks') || ' of ' || (result->>'ticks') || ' late' AS how
FROM matches
WHERE state = 'completed' AND ended_at > $2
  AND (result->>'ticks')::bigint > 0
  AND (result->>'achieved_hz')::float8 < (1 - $1::float8) * (result->>'tick_hz')::float8

-- name: counts
SELECT (SELECT count(*) FROM matches) AS matches,
       (SELECT count(*) FROM tickets) AS tickets,
       (SELECT count(*) FROM seats) AS seats,
       (SELECT count(*) FROM rating_ledger) AS ledger
