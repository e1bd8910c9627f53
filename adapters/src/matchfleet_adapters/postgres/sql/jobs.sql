-- Work that has time. Jobs are pgqueuer's; these are the statements of ours around them.

-- name: enqueue
-- What pgqueuer's own `enqueue` writes, in the caller's transaction: its parameters are JSON text,
-- which our connections would encode a second time. A test runs pgqueuer on what this leaves.
WITH job AS (
    INSERT INTO pgqueuer (priority, entrypoint, payload, status, dedupe_key)
    VALUES (0, $1, $2, 'queued', $3)
    ON CONFLICT (dedupe_key)
        WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL
        DO NOTHING
    RETURNING id, entrypoint, priority
)
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'queued', entrypoint, priority FROM job

-- name: summarize
INSERT INTO match_summaries (match_id, summary)
SELECT m.id, jsonb_build_object(
    'game', m.game, 'mode', m.mode, 'region', m.region,
    'state', m.state, 'reason', m.reason,
    'seconds', (m.result ->> 'ticks')::numeric / NULLIF((m.result ->> 'tick_hz')::numeric, 0),
    'seats', (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'seat', s.seat, 'team', s.team, 'name', p.name, 'bot', s.bot,
            'rank', standing.value -> 'rank', 'score', standing.value -> 'score',
            'before', l.before, 'after', l.after) ORDER BY s.seat), '[]')
        FROM seats s
        LEFT JOIN players p ON p.id = s.player_id
        LEFT JOIN rating_ledger l ON l.match_id = s.match_id AND l.player_id = s.player_id
        LEFT JOIN LATERAL jsonb_array_elements(m.result -> 'standings') AS standing (value)
               ON (standing.value ->> 'seat')::integer = s.seat
        WHERE s.match_id = m.id
    ))
FROM matches m WHERE m.id = $1 AND m.ended_at IS NOT NULL
ON CONFLICT (match_id) DO UPDATE SET summary = EXCLUDED.summary, at = now()
RETURNING match_id

-- name: snapshot_ladders
INSERT INTO ladder_snapshots (day, game, mode, place, player_id, rating)
SELECT $1, game, mode, place, player_id, rating
FROM (
    SELECT game, mode, player_id, rating,
           row_number() OVER (PARTITION BY game, mode ORDER BY rating DESC, player_id) AS place
    FROM ratings
) AS ranked
WHERE place <= $2
ON CONFLICT (day, game, mode, place)
    DO UPDATE SET player_id = EXCLUDED.player_id, rating = EXCLUDED.rating

-- name: backlog
SELECT entrypoint, status::text AS status, count(*) AS jobs
FROM pgqueuer GROUP BY entrypoint, status

-- name: purge_log
DELETE FROM pgqueuer_log WHERE created < now() - $1::interval
