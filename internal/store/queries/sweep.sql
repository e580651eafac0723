-- name: SweepEndedSessions :execrows
DELETE FROM sessions WHERE sessions.tenant_id = $1 AND sessions.id IN (
    SELECT s.id FROM sessions s
    WHERE s.tenant_id = $1 AND s.ended_at < CAST(sqlc.arg(before) AS BIGINT) ORDER BY s.ended_at LIMIT sqlc.arg(most));

-- name: SweepIdleSessions :execrows
DELETE FROM sessions WHERE sessions.tenant_id = $1 AND sessions.id IN (
    SELECT s.id FROM sessions s
    WHERE s.tenant_id = $1 AND s.active_day > 0 AND s.active_day < sqlc.arg(before) ORDER BY s.active_day LIMIT sqlc.arg(most));

-- name: SweepGrants :execrows
DELETE FROM grants WHERE grants.tenant_id = $1 AND grants.id IN (
    SELECT g.id FROM grants g
    WHERE g.tenant_id = $1 AND g.over_day > 0 AND g.over_day < sqlc.arg(before) ORDER BY g.over_day LIMIT sqlc.arg(most));

-- name: SweepDevices :execrows
DELETE FROM devices WHERE devices.tenant_id = $1 AND (devices.id, devices.user_id) IN (
    SELECT d.id, d.user_id FROM devices d
    WHERE d.tenant_id = $1 AND d.rotated_at < sqlc.arg(before) ORDER BY d.rotated_at LIMIT sqlc.arg(most));

-- name: SweepRemovedEnrolments :execrows
DELETE FROM enrolments WHERE enrolments.tenant_id = $1 AND enrolments.id IN (
    SELECT e.id FROM enrolments e
    WHERE e.tenant_id = $1 AND e.removed_at < CAST(sqlc.arg(before) AS BIGINT) ORDER BY e.removed_at LIMIT sqlc.arg(most));
