package store_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// BenchmarkR14_LookWithAMillionSignIns reads what an assessment compares with,
// with a million sign-ins stored, and of as many users as given; p99 beside the
// mean. The aim is at most 5 ms, and the same for any number of users.
func BenchmarkR14_LookWithAMillionSignIns(b *testing.B) {
	for _, users := range []int{1_000, 50_000} {
		b.Run(strconv.Itoa(users)+" users", func(b *testing.B) {
			d := newDatabase(b, file)
			s := d.open()
			db := d.raw()
			each := strconv.Itoa(1_000_000 / users)
			numbers := "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " + strconv.Itoa(users) + ") "
			month := strconv.Itoa(identity.MonthOf(s1))
			for _, sql := range []string{
				numbers + `INSERT INTO habits SELECT '` + alice + `', 'usr_' || i, ` + month + `, '{"months":[{"m":` + month + `,"n":` + each +
					`,"v":[{"a' || i || '":` + each + `},{"as1":` + each + `},{"NO":` + each + `},{"full":` + each + `},{"b":` + each + `},{"s":` + each + `},{"desktop":` + each + `}],"h":{"5":` + each + `}}],"lastAt":"2026-03-01T12:00:00Z"}' FROM c`,
				numbers + `INSERT INTO habit_counts SELECT '` + alice + `', '0:a' || i, ` + each + ` FROM c`,
				`INSERT INTO habit_counts VALUES ('` + alice + `', 'n', 1000000), ('` + alice + `', 'u', ` + strconv.Itoa(users) + `), ('` + alice + `', '2:NO', 1000000)`,
			} {
				if _, err := db.Exec(sql); err != nil {
					b.Fatal(err)
				}
			}
			var took []time.Duration
			i := 0
			for b.Loop() {
				i = i*7%users + 1
				begun := time.Now()
				a := look(b, s, alice, identity.HabitQuery{
					User: "usr_" + strconv.Itoa(i), Values: [7]string{"a" + strconv.Itoa(i), "as1", "NO", "full", "b", "s", "desktop"},
					Failures: [3]string{"x", "y", "z"}, Since: s1,
				})
				took = append(took, time.Since(begun))
				if a.Counts["n"] != 1_000_000 || a.Habit.Total() != int64(1_000_000/users) {
					b.Fatalf("%+v", a)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}
