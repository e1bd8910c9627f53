-- Aggregates by hour; every statement adds, so it runs once per event: the inbox sees to that.

-- name: add_matches
INSERT INTO hourly_matches AS kept
    (hour, game, mode, region, created, completed, failed, cancelled, humans, bots, ticks)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (hour, game, mode, region) DO UPDATE SET
    created = kept.created + EXCLUDED.created,
    completed = kept.completed + EXCLUDED.completed,
    failed = kept.failed + EXCLUDED.failed,
    cancelled = kept.cancelled + EXCLUDED.cancelled,
    humans = kept.humans + EXCLUDED.humans,
    bots = kept.bots + EXCLUDED.bots,
    ticks = kept.ticks + EXCLUDED.ticks

-- name: add_players
INSERT INTO hourly_players (hour, game, mode, region, player_id)
SELECT $1, $2, $3, $4, player_id FROM unnest($5::uuid[]) AS new (player_id) ORDER BY player_id
ON CONFLICT DO NOTHING
