-- Ladders, read from ratings.

-- name: top
SELECT row_number() OVER (ORDER BY r.rating DESC, r.player_id)::integer AS place,
       r.player_id, p.name, r.rating, r.games
FROM ratings r JOIN players p ON p.id = r.player_id
WHERE r.game = $1 AND r.mode = $2
ORDER BY r.rating DESC, r.player_id LIMIT $3
