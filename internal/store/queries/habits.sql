-- name: Habits :many
SELECT '' AS name, CAST(1 AS BIGINT) AS number, data FROM habits
WHERE habits.tenant_id = $1 AND user_id = $2
UNION ALL
SELECT name, count, '' FROM habit_counts
WHERE habit_counts.tenant_id = $1 AND name IN ('n', 'u', 'd0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', $3, $4, $5, $6, $7, $8, $9)
UNION ALL
SELECT 'f' || subject, CAST(SUM(count) AS BIGINT), '' FROM habit_failures
WHERE habit_failures.tenant_id = $1 AND subject IN ($10, $11, $12) AND bucket >= $13 GROUP BY subject;

-- name: HabitOf :one
SELECT data FROM habits WHERE tenant_id = $1 AND user_id = $2;

-- name: PutHabit :exec
INSERT INTO habits (tenant_id, user_id, oldest, data) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET oldest = excluded.oldest, data = excluded.data;

-- name: AddHabit :one
INSERT INTO habit_counts (tenant_id, name, count) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, name) DO UPDATE SET count = habit_counts.count + excluded.count
RETURNING count;

-- name: AddHabits :many
INSERT INTO habit_counts (tenant_id, name, count)
VALUES ($1, $2, 1), ($1, $3, 1), ($1, $4, 1), ($1, $5, 1), ($1, $6, 1), ($1, $7, 1), ($1, $8, 1), ($1, 'n', 1)
ON CONFLICT (tenant_id, name) DO UPDATE SET count = habit_counts.count + excluded.count
RETURNING name, count;

-- name: DropHabit :exec
DELETE FROM habit_counts WHERE tenant_id = $1 AND name = $2 AND count <= 0;

-- name: FailHabits :exec
INSERT INTO habit_failures (tenant_id, subject, bucket, count)
VALUES ($1, $2, $5, 1), ($1, $3, $5, 1), ($1, $4, $5, 1)
ON CONFLICT (tenant_id, subject, bucket) DO UPDATE SET count = habit_failures.count + 1;

-- name: OldHabits :many
SELECT user_id, data FROM habits WHERE tenant_id = $1 AND oldest < $2 ORDER BY oldest, user_id LIMIT $3;

-- name: DropHabitOf :exec
DELETE FROM habits WHERE tenant_id = $1 AND user_id = $2;

-- name: SweepHabitFailures :execrows
DELETE FROM habit_failures WHERE tenant_id = $1 AND bucket < $2;
