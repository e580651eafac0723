-- name: InsertEvent :exec
INSERT INTO events (tenant_id, at, seq, id, user_id, data) VALUES ($1, $2, $3, $4, $5, $6);

-- name: Events :many
SELECT data FROM events WHERE tenant_id = $1 AND at >= $2 AND at < sqlc.arg(until)
ORDER BY at DESC, seq DESC, id DESC LIMIT $3;

-- name: EventsByUser :many
SELECT data FROM events WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND at >= $3 AND at < sqlc.arg(until)
ORDER BY at DESC, seq DESC, id DESC LIMIT $4;
