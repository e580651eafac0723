-- name: RaiseRevocations :one
INSERT INTO revocation_counters (tenant_id, number) VALUES ($1, 1)
ON CONFLICT (tenant_id) DO UPDATE SET number = revocation_counters.number + 1
RETURNING number;

-- name: LastRevocation :one
SELECT number FROM revocation_counters WHERE tenant_id = $1;

-- name: InsertRevocation :exec
INSERT INTO revocations (tenant_id, number, at, until, data) VALUES ($1, $2, $3, $4, $5);

-- name: RevocationsUntil :many
SELECT number, at, data FROM revocations WHERE tenant_id = $1 AND until > $2
ORDER BY until;

-- name: SweepRevocations :execrows
DELETE FROM revocations WHERE revocations.tenant_id = $1 AND revocations.number IN (
    SELECT r.number FROM revocations r
    WHERE r.tenant_id = $1 AND r.until < CAST(sqlc.arg(before) AS BIGINT) ORDER BY r.until LIMIT sqlc.arg(most));
