-- name: InsertSession :execrows
INSERT INTO sessions (tenant_id, id, user_id, secret_hash, ended_at, active_day, version, data)
VALUES ($1, $2, $3, $4, $5, $6, 1, $7) ON CONFLICT DO NOTHING;

-- name: Session :one
SELECT id, user_id, secret_hash, ended_at, version, data FROM sessions
WHERE tenant_id = $1 AND id = $2;

-- name: SessionBySecret :one
SELECT id, user_id, secret_hash, ended_at, version, data FROM sessions
WHERE tenant_id = $1 AND secret_hash = $2;

-- name: SessionsByUser :many
SELECT id, user_id, secret_hash, ended_at, version, data FROM sessions
WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL ORDER BY id;

-- name: SaveSession :execrows
UPDATE sessions SET secret_hash = $5, ended_at = $6, active_day = $7, version = version + 1, data = $8
WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND version = $4;

-- name: InsertGrant :execrows
INSERT INTO grants (tenant_id, id, user_id, session_id, expires_at, revoked_at, over_day, version, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8) ON CONFLICT DO NOTHING;

-- name: Grant :one
SELECT version, data FROM grants WHERE tenant_id = $1 AND id = $2;

-- name: GrantWithOwner :one
SELECT g.version AS grant_version, g.data AS grant_data,
    s.id, s.user_id, s.secret_hash, s.ended_at, s.version, s.data, u.epoch, u.data AS user_data
FROM grants g
JOIN sessions s ON s.tenant_id = g.tenant_id AND s.id = g.session_id
JOIN users u ON u.tenant_id = g.tenant_id AND u.id = g.user_id
WHERE g.tenant_id = $1 AND g.id = $2;

-- name: GrantsByUser :many
SELECT version, data FROM grants
WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3 ORDER BY id;

-- name: GrantsBySession :many
SELECT version, data FROM grants
WHERE tenant_id = $1 AND session_id = $2 AND revoked_at IS NULL AND expires_at > $3 ORDER BY id;

-- name: SaveGrant :execrows
UPDATE grants SET session_id = $5, expires_at = $6, revoked_at = $7, over_day = $8, version = version + 1, data = $9
WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND version = $4;
