-- What people's sign-ins looked like, as counts of keyed hashes. Migrations only add.

-- +goose Up

-- One row a user; oldest is the month (year * 12 + month) of its oldest counts,
-- of which none outlive the retention.
CREATE TABLE habits (
    tenant_id TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    oldest    BIGINT NOT NULL,
    data      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX habits_oldest ON habits (tenant_id, oldest, user_id);

-- The same over all users of a tenant.
CREATE TABLE habit_counts (
    tenant_id TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    count     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Wrong answers by user, address and network, in buckets of ten minutes.
CREATE TABLE habit_failures (
    tenant_id TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    bucket    BIGINT NOT NULL,
    count     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject, bucket)
);
CREATE INDEX habit_failures_bucket ON habit_failures (tenant_id, bucket);
