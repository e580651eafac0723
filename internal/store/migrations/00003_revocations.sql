-- What was taken back before its tokens ran out, for APIs that check tokens by
-- themselves. Migrations only add.

-- +goose Up

-- The number of a tenant's last entry. Its row is locked from the raising to the
-- commit, so that numbers become visible in their order.
CREATE TABLE revocation_counters (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    number    BIGINT NOT NULL
);

-- until is when no token that the entry speaks of can be alive any more.
CREATE TABLE revocations (
    tenant_id TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    until     BIGINT NOT NULL,
    data      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
CREATE INDEX revocations_until ON revocations (tenant_id, until);
