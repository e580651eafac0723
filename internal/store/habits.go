package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type habits txn

const failureBucket = 10 * time.Minute

func bucketOf(t time.Time) int64 { return t.UnixMicro() / failureBucket.Microseconds() }

func (t *habits) Look(ctx context.Context, q identity.HabitQuery) (identity.HabitAnswer, error) {
	a := identity.HabitAnswer{Counts: map[string]int64{}}
	if !plain(q.User) || !plain(q.Values[:]...) || !plain(q.Failures[:]...) {
		return a, identity.ErrInvalid
	}
	name := func(level int) string { return identity.CountName(level, q.Values[level]) }
	rows, err := t.q.Habits(ctx, sqlc.HabitsParams{
		TenantID: t.tenant, UserID: q.User,
		Name: name(0), Name_2: name(1), Name_3: name(2), Name_4: name(3), Name_5: name(4), Name_6: name(5), Name_7: name(6),
		Subject: q.Failures[0], Subject_2: q.Failures[1], Subject_3: q.Failures[2], Bucket: bucketOf(q.Since),
	})
	if err != nil {
		return a, wrap(err)
	}
	for _, row := range rows {
		subject, failed := strings.CutPrefix(row.Name, "f")
		switch {
		case row.Name == "":
			if err := decode(row.Data, &a.Habit); err != nil {
				return a, err
			}
		case failed:
			for i, s := range q.Failures {
				if s == subject {
					a.Failures[i] = row.Number
				}
			}
		default:
			a.Counts[row.Name] = row.Number
		}
	}
	return a, nil
}

// Learn locks the tenant's counts until the commit, in the order of their names,
// so that two sign-ins wait for each other and never deadlock.
func (t *habits) Learn(ctx context.Context, user string, v identity.Visit) error {
	if !plain(user) || !plain(v.Values[:]...) {
		return identity.ErrInvalid
	}
	var h identity.Habit
	data, err := t.q.HabitOf(ctx, t.tenant, user)
	switch err = wrap(err); {
	case notFound(err):
	case err != nil:
		return err
	default:
		if err := decode(data, &h); err != nil {
			return err
		}
	}
	gone := h.Forget(identity.OldestMonth(v.At))
	if len(h.Months) == 0 {
		gone[identity.CountUsers]++
	}
	counted := h.Learn(v)
	name := func(level int) string { return identity.CountName(level, counted[level]) }
	rows, err := t.q.AddHabits(ctx, sqlc.AddHabitsParams{
		TenantID: t.tenant, Name: name(0), Name_2: name(1), Name_3: name(2), Name_4: name(3), Name_5: name(4), Name_6: name(5), Name_7: name(6),
	})
	if err != nil {
		return wrap(err)
	}
	for _, row := range rows {
		if level, ok := levelOf(row.Name); ok && row.Count == 1 {
			gone[identity.DistinctName(level)]++
		}
	}
	if err := t.add(ctx, gone); err != nil {
		return err
	}
	return t.put(ctx, user, h)
}

func (t *habits) put(ctx context.Context, user string, h identity.Habit) error {
	return wrap(t.q.PutHabit(ctx, sqlc.PutHabitParams{TenantID: t.tenant, UserID: user, Oldest: int64(h.Months[0].Month), Data: encode(h)}))
}

// add changes counts over all users. A value that nobody has any more is one
// less of the different ones.
func (t *habits) add(ctx context.Context, changes map[string]int64) error {
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if changes[name] == 0 {
			continue
		}
		n, err := t.q.AddHabit(ctx, t.tenant, name, changes[name])
		if err != nil {
			return wrap(err)
		}
		level, ok := levelOf(name)
		if !ok || n > 0 {
			continue
		}
		if err := wrap(t.q.DropHabit(ctx, t.tenant, name)); err != nil {
			return err
		}
		if _, err := t.q.AddHabit(ctx, t.tenant, identity.DistinctName(level), -1); err != nil {
			return wrap(err)
		}
	}
	return nil
}

// levelOf reads the level out of a value's name.
func levelOf(name string) (int, bool) {
	if len(name) < 2 || name[1] != ':' || name[0] < '0' || name[0] >= '0'+identity.HabitLevels {
		return 0, false
	}
	return int(name[0] - '0'), true
}

func (t *habits) Fail(ctx context.Context, subjects [3]string, at time.Time) error {
	if !plain(subjects[:]...) {
		return identity.ErrInvalid
	}
	slices.Sort(subjects[:])
	return wrap(t.q.FailHabits(ctx, sqlc.FailHabitsParams{
		TenantID: t.tenant, Subject: subjects[0], Subject_2: subjects[1], Subject_3: subjects[2], Bucket: bucketOf(at),
	}))
}

// keptFailures is how long failures are kept: what is asked for is the last hour.
const keptFailures = 2 * time.Hour

func (t *habits) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if _, err := t.q.SweepHabitFailures(ctx, t.tenant, bucketOf(now.Add(-keptFailures))); err != nil {
		return 0, wrap(err)
	}
	oldest := identity.OldestMonth(now)
	rows, err := t.q.OldHabits(ctx, t.tenant, int64(oldest), sweepLimit(limit))
	if err != nil {
		return 0, wrap(err)
	}
	for _, row := range rows {
		var h identity.Habit
		if err := decode(row.Data, &h); err != nil {
			return 0, err
		}
		if err := t.add(ctx, h.Forget(oldest)); err != nil {
			return 0, err
		}
		if len(h.Months) > 0 {
			err = t.put(ctx, row.UserID, h)
		} else {
			err = wrap(t.q.DropHabitOf(ctx, t.tenant, row.UserID))
		}
		if err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
