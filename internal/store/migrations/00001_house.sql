-- One text for SQLite and PostgreSQL. Times are BIGINT microseconds since the
-- Unix epoch; a column exists only where a query filters by it, the rest is
-- JSON that SQL never looks into. Sealed columns hold: version, key id, nonce,
-- ciphertext. Primary keys start with the tenant.

-- +goose Up
CREATE TABLE meta (
    name   TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    value  TEXT   NOT NULL
);

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    digest    TEXT NOT NULL,
    data      TEXT NOT NULL
);

-- Keys that are random and wrapped by a root key: purpose data, index, pepper.
CREATE TABLE data_keys (
    tenant_id  TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    id         BIGINT NOT NULL,
    root_id    TEXT   NOT NULL,
    wrapped    BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, purpose, id)
);

CREATE TABLE applications (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    digest    TEXT NOT NULL,
    data      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE users (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    identifier TEXT   NOT NULL,
    epoch      BIGINT NOT NULL,
    data       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX users_identifier ON users (tenant_id, identifier);

-- lookup is a keyed hash; sealed holds the factor's data and the plain lookup.
CREATE TABLE enrolments (
    tenant_id TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    factor    TEXT   NOT NULL,
    lookup    BYTEA,
    version   BIGINT NOT NULL,
    sealed    BYTEA  NOT NULL,
    data      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- This and the other indexes by user or session end with id, the order in which
-- rows are read: else SQLite takes the primary key for the order's sake, and
-- reads every row of the tenant.
CREATE INDEX enrolments_user ON enrolments (tenant_id, user_id, id);
CREATE UNIQUE INDEX enrolments_lookup ON enrolments (tenant_id, factor, lookup) WHERE lookup IS NOT NULL;

CREATE TABLE sessions (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    secret_hash BYTEA,
    ended_at    BIGINT,
    version     BIGINT NOT NULL,
    data        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX sessions_secret ON sessions (tenant_id, secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, id) WHERE ended_at IS NULL;

CREATE TABLE grants (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    version    BIGINT NOT NULL,
    data       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX grants_user ON grants (tenant_id, user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX grants_session ON grants (tenant_id, session_id, id) WHERE revoked_at IS NULL;

CREATE TABLE devices (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    secret_hash BYTEA,
    prev_hash   BYTEA,
    rotated_at  BIGINT NOT NULL,
    data        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id, user_id)
);
CREATE INDEX devices_user ON devices (tenant_id, user_id, id);

CREATE TABLE lanes (
    tenant_id  TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    data       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, subject, name)
);
CREATE INDEX lanes_written ON lanes (tenant_id, written_at);

CREATE TABLE ephemerals (
    tenant_id  TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at   BIGINT,
    value      BYTEA  NOT NULL,
    PRIMARY KEY (tenant_id, kind, key)
);
CREATE INDEX ephemerals_expiry ON ephemerals (tenant_id, expires_at);

-- seq orders events and messages of one instant: a clock that never repeats.
CREATE TABLE events (
    tenant_id TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    id        TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    data      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, at, seq, id)
);
CREATE INDEX events_user ON events (tenant_id, user_id, at, seq, id) WHERE user_id <> '';

CREATE TABLE signing_keys (
    tenant_id TEXT  NOT NULL,
    id        TEXT  NOT NULL,
    private   BYTEA NOT NULL,
    data      TEXT  NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE outbox (
    tenant_id TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    body      BYTEA  NOT NULL,
    code      BYTEA,
    data      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX outbox_order ON outbox (tenant_id, seq);
