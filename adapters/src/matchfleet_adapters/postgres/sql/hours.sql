-- Hourly aggregates, as analytics keeps them, with distinct players.

-- name: since
SELECT m.hour, m.game, m.mode, m.region, m.created, m.completed, m.failed, m.cancelled,
       m.humans, m.bots, m.ticks,
       (SELECT count(*)::integer FROM hourly_players p
        WHERE p.hour = m.hour AND p.game = m.game AND p.mode = m.mode AND p.region = m.region)
       AS players
FROM hourly_matches m WHERE m.hour >= $1
ORDER BY m.hour DESC, m.game, m.mode, m.region
