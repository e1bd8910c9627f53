-- Events to publish, written in the transaction of what happened.

-- name: insert
INSERT INTO outbox (event_id, event)
SELECT * FROM unnest($1::text[], $2::jsonb[])
ON CONFLICT (event_id) DO NOTHING

-- name: lock_pending
SELECT seq, event FROM outbox WHERE published_at IS NULL
ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: mark_published
UPDATE outbox SET published_at = now() WHERE seq = ANY($1::bigint[])

-- name: purge
DELETE FROM outbox WHERE published_at < $1

-- name: depth
SELECT count(*) FROM outbox WHERE published_at IS NULL
