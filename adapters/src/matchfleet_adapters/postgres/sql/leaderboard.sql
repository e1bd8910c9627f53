-- Ladders, read from ratings.

-- name: top
SELECT row_number() OVER (ORDER BY r.rating DESC, r.player_id)::integer AS place,
       r.player_id, p.name, r.rating, r.games
FROM ratings r JOIN players p ON p.id = r.player_id
WHERE r.game = $1 AND r.mode = $2
ORDER BY r.rating DESC, r.player_id LIMIT $3

-- name: last_move
SELECT coalesce(max(seq), 0) FROM rating_ledger WHERE game = $1 AND mode = $2

-- name: named
SELECT p.id AS player_id, p.name, r.rating, r.games
FROM ratings r JOIN players p ON p.id = r.player_id
WHERE r.player_id = ANY($1::uuid[]) AND r.game = $2 AND r.mode = $3
