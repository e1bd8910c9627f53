-- The end of a match and what it does to ratings; ranking alone runs these.

-- name: lock_match
SELECT id, game, mode, region, ranked, state, uid FROM matches WHERE id = $1 FOR UPDATE

-- name: seats
SELECT seat, team, player_id FROM seats WHERE match_id = $1 ORDER BY seat

-- name: end_match
WITH ended AS (
    UPDATE matches SET state = $2, uid = COALESCE(uid, $3), reason = $4, message = $5,
                       result = $6, ended_at = now()
    WHERE id = $1 AND state IN ('requested', 'created', 'ready')
    RETURNING id, ended_at
), freed AS (
    UPDATE seats SET live = false FROM ended WHERE seats.match_id = ended.id AND seats.live
)
SELECT ended_at FROM ended

-- name: use_tickets
UPDATE tickets SET state = 'matched', changed_at = now()
WHERE match_id = $1 AND state = 'proposed'
RETURNING id, player_id, queued_at

-- name: requeue_tickets
UPDATE tickets SET state = 'queued', match_id = NULL, avoid_region = $2, changed_at = now()
WHERE match_id = $1 AND state = 'proposed'
RETURNING id, player_id, queued_at

-- name: open_ratings
INSERT INTO ratings (player_id, game, mode, rating)
SELECT player_id, $2, $3, $4 FROM unnest($1::uuid[]) AS new (player_id) ORDER BY player_id
ON CONFLICT DO NOTHING

-- name: lock_ratings
SELECT player_id, rating FROM ratings
WHERE player_id = ANY($1::uuid[]) AND game = $2 AND mode = $3
ORDER BY player_id
FOR UPDATE

-- name: change_ratings
WITH moved AS (
    INSERT INTO rating_ledger (match_id, player_id, game, mode, before, delta, after)
    SELECT $1, new.player_id, $2, $3, new.before, new.delta, new.before + new.delta
    FROM unnest($4::uuid[], $5::integer[], $6::integer[]) AS new (player_id, before, delta)
    RETURNING seq, player_id, game, mode, after
), changed AS (
    UPDATE ratings SET rating = moved.after, games = ratings.games + 1, changed_at = now()
    FROM moved
    WHERE ratings.player_id = moved.player_id
      AND ratings.game = moved.game AND ratings.mode = moved.mode
)
SELECT max(seq) AS last,
       (SELECT coalesce(max(seq), 0) FROM rating_ledger WHERE game = $2 AND mode = $3) AS after
FROM moved

-- name: ladders
SELECT DISTINCT game, mode FROM ratings ORDER BY game, mode

-- name: ladder
SELECT player_id, rating,
       (SELECT coalesce(max(seq), 0) FROM rating_ledger WHERE game = $1 AND mode = $2) AS last
FROM ratings WHERE game = $1 AND mode = $2

-- name: moved_after
SELECT r.player_id, r.rating, max(moved.seq) AS last
FROM rating_ledger moved JOIN ratings r USING (player_id, game, mode)
WHERE moved.game = $1 AND moved.mode = $2 AND moved.seq > $3
GROUP BY r.player_id, r.rating
