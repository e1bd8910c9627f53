-- Matches and their seats. The end of a match is written by ranking alone.

-- name: insert_matches
INSERT INTO matches (id, game, mode, region, ranked, spec, spec_digest, requested_at, not_after)
SELECT m.id, m.game, m.mode, m.region, m.ranked, m.spec, m.spec_digest, $8, m.not_after
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::jsonb[],
            $7::text[], $9::timestamptz[])
     AS m (id, game, mode, region, ranked, spec, spec_digest, not_after)

-- name: insert_seats
INSERT INTO seats (match_id, seat, team, player_id, ticket_id, bot)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::uuid[], $5::uuid[], $6::text[])

-- name: get
SELECT id, game, mode, region, ranked, state, uid, pod_uid, url, reason, message, result,
       spec, spec_digest, requested_at, not_after, created_at, ready_at, ended_at
FROM matches WHERE id = $1

-- name: live
SELECT id, game, mode, region, ranked, state, uid, pod_uid, url, reason, message, result,
       spec, spec_digest, requested_at, not_after, created_at, ready_at, ended_at
FROM matches WHERE state IN ('requested', 'created', 'ready') ORDER BY requested_at

-- name: seats
SELECT s.seat, s.team, s.player_id, p.name, s.bot
FROM seats s LEFT JOIN players p ON p.id = s.player_id
WHERE s.match_id = $1 ORDER BY s.seat

-- name: seat_of
SELECT s.seat, p.name FROM seats s JOIN players p ON p.id = s.player_id
WHERE s.match_id = $1 AND s.player_id = $2

-- name: players
SELECT player_id FROM seats WHERE match_id = $1 AND player_id IS NOT NULL ORDER BY seat

-- name: changes
SELECT player_id, before, after FROM rating_ledger WHERE match_id = $1 ORDER BY player_id

-- name: live_of_player
SELECT match_id FROM seats WHERE player_id = $1 AND live

-- name: of_player
SELECT m.id, m.game, m.mode, m.region, m.ranked, m.state, m.uid, m.pod_uid, m.url, m.reason,
       m.message, m.result, m.spec, m.spec_digest, m.requested_at, m.not_after, m.created_at,
       m.ready_at, m.ended_at
FROM matches m JOIN seats s ON s.match_id = m.id
WHERE s.player_id = $1 ORDER BY m.id DESC LIMIT $2

-- name: lock_requested
SELECT id, spec, spec_digest, not_after FROM matches
WHERE state = 'requested' AND not_after > $1 AND NOT id = ANY($2::uuid[])
ORDER BY requested_at LIMIT $3 FOR UPDATE SKIP LOCKED

-- name: mark_created
UPDATE matches SET state = 'created', uid = $2, created_at = $3
WHERE id = $1 AND state = 'requested'

-- name: mark_ready
UPDATE matches SET state = 'ready', uid = $2, pod_uid = $3, url = $4, ready_at = $5,
       created_at = COALESCE(created_at, $5)
WHERE id = $1 AND state IN ('requested', 'created') AND (uid IS NULL OR uid = $2)
