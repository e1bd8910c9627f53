-- Events a consumer has acted on, written in the transaction of the effect.

-- name: remember
INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id

-- name: purge
DELETE FROM inbox WHERE at < now() - $1::interval
