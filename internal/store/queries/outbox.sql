-- name: InsertMessage :execrows
INSERT INTO outbox (tenant_id, id, seq, due_at, done_at, dead, attempts, body)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING;

-- name: Messages :many
SELECT id, seq, due_at, done_at, dead, attempts, body, trouble FROM outbox
WHERE tenant_id = $1 ORDER BY seq DESC LIMIT $2;

-- name: ClaimMessages :many
UPDATE outbox SET due_at = CAST(sqlc.arg(until) AS BIGINT), attempts = attempts + 1
WHERE outbox.tenant_id = sqlc.arg(tenant_id) AND outbox.due_at <= CAST(sqlc.arg(now) AS BIGINT) AND outbox.id IN (
    SELECT o.id FROM outbox o
    WHERE o.tenant_id = sqlc.arg(tenant_id) AND o.due_at <= CAST(sqlc.arg(now) AS BIGINT)
    ORDER BY o.due_at, o.seq LIMIT sqlc.arg(most))
RETURNING id, seq, due_at, done_at, dead, attempts, body, trouble;

-- name: SettleMessage :execrows
UPDATE outbox SET due_at = $3, done_at = $4, dead = $5, trouble = $6, attempts = attempts - CAST(sqlc.arg(untried) AS BIGINT)
WHERE tenant_id = $1 AND id = $2 AND done_at IS NULL;

-- name: SweepMessages :execrows
DELETE FROM outbox WHERE outbox.tenant_id = $1 AND outbox.id IN (
    SELECT o.id FROM outbox o
    WHERE o.tenant_id = $1 AND o.done_at < CAST(sqlc.arg(before) AS BIGINT) ORDER BY o.done_at LIMIT sqlc.arg(most));

-- name: DueTenants :many
SELECT t.tenant_id FROM tenants t WHERE EXISTS (
    SELECT 1 FROM outbox o WHERE o.tenant_id = t.tenant_id AND o.due_at <= CAST(sqlc.arg(now) AS BIGINT))
ORDER BY t.tenant_id;
