-- Players, their passwords and their logins.

-- name: insert_player
INSERT INTO players (id, name, kind, created_at) VALUES ($1, $2, $3, $4)
RETURNING id, name, kind, roles, created_at

-- name: insert_credentials
INSERT INTO credentials (player_id, login, password_hash) VALUES ($1, $2, $3)

-- name: player
SELECT id, name, kind, roles, created_at FROM players WHERE id = $1

-- name: credentials
SELECT c.player_id, c.login, c.password_hash FROM credentials c WHERE c.login = $1

-- name: rehash
UPDATE credentials SET password_hash = $2 WHERE player_id = $1 AND password_hash = $3

-- name: ratings
SELECT game, mode, rating, games FROM ratings WHERE player_id = $1 ORDER BY game, mode

-- name: insert_refresh
INSERT INTO refresh_tokens (token_hash, family, player_id, issued_at, expires_at)
VALUES ($1, $2, $3, $4, $5)

-- name: family
SELECT family FROM refresh_tokens WHERE token_hash = $1

-- name: lock_family
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 1))

-- name: use_refresh
UPDATE refresh_tokens SET used_at = $2
WHERE token_hash = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2
RETURNING player_id

-- name: is_reused
SELECT used_at IS NOT NULL FROM refresh_tokens WHERE token_hash = $1

-- name: revoke_family
UPDATE refresh_tokens SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL

-- name: purge_refresh
DELETE FROM refresh_tokens WHERE expires_at < $1
