-- name: Meta :one
SELECT number, value FROM meta WHERE name = $1;

-- name: PutMeta :exec
INSERT INTO meta (name, number, value) VALUES ($1, 0, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: RaiseMeta :exec
INSERT INTO meta (name, number, value) VALUES ($1, 1, '')
ON CONFLICT (name) DO UPDATE SET number = meta.number + 1;

-- name: Tenants :many
SELECT tenant_id, digest, data FROM tenants ORDER BY tenant_id;

-- name: AnyTenant :one
SELECT tenant_id FROM tenants LIMIT 1;

-- name: PutTenant :exec
INSERT INTO tenants (tenant_id, digest, data) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO UPDATE SET digest = excluded.digest, data = excluded.data;

-- name: DataKeys :many
SELECT purpose, id, root_id, wrapped FROM data_keys WHERE tenant_id = $1 ORDER BY purpose, id;

-- name: AllDataKeys :many
SELECT tenant_id, purpose, id, root_id, wrapped FROM data_keys ORDER BY tenant_id, purpose, id;

-- name: RootsInUse :many
SELECT DISTINCT root_id FROM data_keys;

-- name: InsertDataKey :execrows
INSERT INTO data_keys (tenant_id, purpose, id, root_id, wrapped, created_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING;

-- name: RewrapDataKey :execrows
UPDATE data_keys SET root_id = $4, wrapped = $5
WHERE tenant_id = $1 AND purpose = $2 AND id = $3;
