-- Tickets: a player's place in a queue. Every change of state is guarded by the state before.

-- name: open
WITH opened AS (
    INSERT INTO tickets (id, player_id, game, mode, rating, rtt_ms, queued_at, expires_at)
    SELECT $1, $2, $3, $4,
           COALESCE((SELECT rating FROM ratings
                     WHERE player_id = $2 AND game = $3 AND mode = $4), $5),
           $6, $7, $8
    WHERE NOT EXISTS (SELECT 1 FROM seats WHERE player_id = $2 AND live)
    RETURNING id, player_id, game, mode, rating, rtt_ms, state, match_id, avoid_region,
              queued_at, expires_at, changed_at
), told AS (
    INSERT INTO outbox (event_id, event) SELECT $9, $10::jsonb FROM opened
)
SELECT * FROM opened

-- name: get
SELECT id, player_id, game, mode, rating, rtt_ms, state, match_id, avoid_region,
       queued_at, expires_at, changed_at
FROM tickets WHERE id = $1

-- name: cancel
WITH cancelled AS (
    UPDATE tickets SET state = 'cancelled', changed_at = now()
    WHERE id = $1 AND player_id = $2 AND state = 'queued'
    RETURNING id, player_id, game, mode, rating, rtt_ms, state, match_id, avoid_region,
              queued_at, expires_at, changed_at
), told AS (
    INSERT INTO outbox (event_id, event) SELECT $3, $4::jsonb FROM cancelled
)
SELECT * FROM cancelled

-- name: waiting
SELECT id, player_id, game, mode, rating, rtt_ms, state, match_id, avoid_region,
       queued_at, expires_at, changed_at
FROM tickets
WHERE game = $1 AND mode = $2 AND state = 'queued' AND changed_at >= $3

-- name: lock_claimable
SELECT t.id FROM tickets t
WHERE t.id = ANY($1::uuid[]) AND t.state = 'queued' AND t.expires_at > $2
  AND NOT EXISTS (SELECT 1 FROM seats s WHERE s.player_id = t.player_id AND s.live)
ORDER BY t.id
FOR UPDATE OF t SKIP LOCKED

-- name: propose
UPDATE tickets SET state = 'proposed', match_id = claim.match_id, changed_at = now()
FROM unnest($1::uuid[], $2::uuid[]) AS claim (ticket_id, match_id)
WHERE tickets.id = claim.ticket_id AND tickets.state = 'queued'

-- name: expire
UPDATE tickets SET state = 'expired', changed_at = now()
WHERE id IN (
    SELECT id FROM tickets WHERE state = 'queued' AND expires_at <= $1
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING id, player_id

-- name: match
UPDATE tickets SET state = 'matched', changed_at = now()
WHERE match_id = $1 AND state = 'proposed'
RETURNING id, player_id, queued_at

-- name: settle
-- Proposed tickets of a match that completed although nobody saw it become Ready.
UPDATE tickets SET state = 'matched', changed_at = now()
WHERE state = 'proposed'
  AND match_id IN (SELECT id FROM matches WHERE state = 'completed')
RETURNING id, player_id, match_id, queued_at
