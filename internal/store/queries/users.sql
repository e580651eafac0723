-- name: InsertUser :execrows
INSERT INTO users (tenant_id, id, identifier, epoch, data) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: User :one
SELECT epoch, data FROM users WHERE tenant_id = $1 AND id = $2;

-- name: UserByIdentifier :one
SELECT epoch, data FROM users WHERE tenant_id = $1 AND identifier = $2;

-- name: Users :many
SELECT epoch, data FROM users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: SaveUser :execrows
UPDATE users SET identifier = $3, data = $4 WHERE tenant_id = $1 AND id = $2;

-- name: OwnerOfIdentifier :one
SELECT id FROM users WHERE tenant_id = $1 AND identifier = $2;

-- name: BumpUser :execrows
UPDATE users SET epoch = epoch + 1 WHERE tenant_id = $1 AND id = $2 AND epoch = $3;

-- name: InsertEnrolment :execrows
INSERT INTO enrolments (tenant_id, id, user_id, factor, lookup, removed_at, version, sealed, data)
VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) ON CONFLICT DO NOTHING;

-- name: EnrolmentsByUser :many
SELECT id, user_id, factor, version, sealed, data FROM enrolments
WHERE tenant_id = $1 AND user_id = $2 ORDER BY id;

-- name: EnrolmentByLookup :one
SELECT id, user_id, factor, version, sealed, data FROM enrolments
WHERE tenant_id = $1 AND factor = $2 AND lookup = $3;

-- name: OwnerOfLookup :one
SELECT id FROM enrolments WHERE tenant_id = $1 AND factor = $2 AND lookup = $3;

-- name: SwapEnrolment :execrows
UPDATE enrolments SET lookup = $6, removed_at = $7, version = version + 1, sealed = $8, data = $9
WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND factor = $4 AND version = $5;

-- name: DeleteEnrolment :execrows
DELETE FROM enrolments WHERE tenant_id = $1 AND id = $2;
