-- name: InsertEphemeral :execrows
INSERT INTO ephemerals (tenant_id, kind, key, version, expires_at, taken_at, value)
VALUES ($1, $2, $3, 1, $4, NULL, $5) ON CONFLICT DO NOTHING;

-- name: Ephemeral :one
SELECT version, expires_at, taken_at, value FROM ephemerals
WHERE tenant_id = $1 AND kind = $2 AND key = $3;

-- name: SwapEphemeral :execrows
UPDATE ephemerals SET version = version + 1, expires_at = sqlc.arg(expires_at), value = sqlc.arg(value)
WHERE tenant_id = sqlc.arg(tenant_id) AND kind = sqlc.arg(kind) AND key = sqlc.arg(key)
  AND version = sqlc.arg(version) AND taken_at IS NULL AND expires_at > sqlc.arg(now);

-- name: TakeEphemeral :one
UPDATE ephemerals SET taken_at = sqlc.arg(now)
WHERE tenant_id = sqlc.arg(tenant_id) AND kind = sqlc.arg(kind) AND key = sqlc.arg(key)
  AND taken_at IS NULL AND expires_at > sqlc.arg(now)
RETURNING version, expires_at, value;

-- name: SweepEphemerals :execrows
DELETE FROM ephemerals
WHERE ephemerals.tenant_id = $1 AND (ephemerals.kind, ephemerals.key) IN (
    SELECT e.kind, e.key FROM ephemerals e
    WHERE e.tenant_id = $1 AND e.expires_at < $2 ORDER BY e.expires_at LIMIT $3);
