-- The outbox can be claimed from, and what is over can be found and deleted.
-- Migrations only add; the old outbox may go, since nothing was ever sent from it
-- and no binary before this one writes to it.

-- +goose Up
DROP TABLE outbox;

-- All that a message says, and to whom, is in body; trouble is why it could not
-- be sent. due_at is when it may be claimed: a claim moves it to the end of its
-- lease, and once the message was sent or given up it is NULL.
CREATE TABLE outbox (
    tenant_id TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    seq       BIGINT  NOT NULL,
    due_at    BIGINT,
    done_at   BIGINT,
    dead      BOOLEAN NOT NULL,
    attempts  BIGINT  NOT NULL,
    body      BYTEA   NOT NULL,
    trouble   BYTEA,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX outbox_order ON outbox (tenant_id, seq);
CREATE INDEX outbox_due ON outbox (tenant_id, due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_done ON outbox (tenant_id, done_at) WHERE done_at IS NOT NULL;

-- The days (since the Unix epoch) of a session's last activity, and on which a
-- grant is over; 0 in rows of before. By day, so that activity rarely touches
-- the index, and in columns of their own, so that no other query is tempted by it.
ALTER TABLE sessions ADD COLUMN active_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN over_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN removed_at BIGINT;

CREATE INDEX sessions_active ON sessions (tenant_id, active_day);
CREATE INDEX sessions_ended ON sessions (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX grants_over ON grants (tenant_id, over_day);
CREATE INDEX devices_rotated ON devices (tenant_id, rotated_at);
CREATE INDEX enrolments_removed ON enrolments (tenant_id, removed_at) WHERE removed_at IS NOT NULL;
