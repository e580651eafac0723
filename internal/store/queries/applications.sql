-- name: Application :one
SELECT digest, data FROM applications WHERE tenant_id = $1 AND id = $2;

-- name: Applications :many
SELECT digest, data FROM applications WHERE tenant_id = $1 ORDER BY id;

-- name: PutApplication :exec
INSERT INTO applications (tenant_id, id, digest, data) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, id) DO UPDATE SET digest = excluded.digest, data = excluded.data;

-- name: SigningKeys :many
SELECT id, private, data FROM signing_keys WHERE tenant_id = $1;

-- name: PutSigningKey :exec
INSERT INTO signing_keys (tenant_id, id, private, data) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, id) DO UPDATE SET private = excluded.private, data = excluded.data;
