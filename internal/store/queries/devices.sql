-- name: DevicesByID :many
SELECT id, user_id, secret_hash, prev_hash, rotated_at, data FROM devices
WHERE tenant_id = $1 AND id = $2 ORDER BY user_id;

-- name: DevicesByUser :many
SELECT id, user_id, secret_hash, prev_hash, rotated_at, data FROM devices
WHERE tenant_id = $1 AND user_id = $2 ORDER BY id;

-- name: PutDevice :exec
INSERT INTO devices (tenant_id, id, user_id, secret_hash, prev_hash, rotated_at, data)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, id, user_id) DO UPDATE
SET secret_hash = excluded.secret_hash, prev_hash = excluded.prev_hash,
    rotated_at = excluded.rotated_at, data = excluded.data;

-- name: RotateDevice :execrows
UPDATE devices SET prev_hash = secret_hash, secret_hash = $3, rotated_at = $4
WHERE tenant_id = $1 AND id = $2;

-- name: DeleteDevice :execrows
DELETE FROM devices WHERE tenant_id = $1 AND id = $2 AND user_id = $3;

-- name: Lanes :many
SELECT name, version, data FROM lanes WHERE tenant_id = $1 AND subject = $2 ORDER BY name;

-- name: InsertLane :execrows
INSERT INTO lanes (tenant_id, subject, name, version, written_at, data)
VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT DO NOTHING;

-- name: SaveLane :execrows
UPDATE lanes SET version = version + 1, written_at = $5, data = $6
WHERE tenant_id = $1 AND subject = $2 AND name = $3 AND version = $4;

-- name: SweepLanes :execrows
DELETE FROM lanes WHERE tenant_id = $1 AND written_at < $2;
