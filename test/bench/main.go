// Command bench measures the built binary beside the limits of this machine.
//
// Every path prints its rate, the CPU time that the server took for each
// operation (utime + stime of its process, from /proc/PID/stat), and the ratio
// to a limit that is measured in the same run. Clients run on the same cores,
// so rates are low; CPU and ratios are what to look at. A goal that is missed is
// marked and is no error.
//
//	main.go     the plan and the table
//	server.go   the binary: start, CPU, memory
//	seed.go     users, by the store's own API
//	wire.go     a client that costs little
//	paths.go    what is asked of the server
//	limits.go   what the machine could do at best
//	parts.go    the parts of the run
//	factors.go  sign-ins with a passkey and with a TOTP code, and what they ask of the database
//	fanout.go   how long until many APIs refuse what was revoked
//	crowd.go    the same with 100,000 users, A B A B
//
// Two binaries are measured. The one that was built, for all that hashes
// passwords, starts and memory. And the same source built with a password hash
// that costs nothing (Main.Hash of 64 KiB, one pass, by an overlay of main.go),
// for "a whole sign-in without the hash": subtracting 30 ms of hash from 31 ms
// of sign-in would measure noise.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// plan bounds the run.
type plan struct {
	window      time.Duration // of each measurement
	users       int           // of the small database
	crowd       int           // of the large one
	rounds      int           // of A B
	starts      int
	revocations int
}

func main() {
	bare := flag.String("bare", "", "serve FILE on a free port, and nothing else (used by bench itself)")
	durable := flag.Bool("durable", false, "with -bare: sign twice and commit beside FILE before each answer")
	api := flag.String("api", "", "be an API of the issuer ADDRESS, and nothing else (used by bench itself)")
	quick := flag.Bool("quick", false, "short windows and a small crowd, to see that everything runs")
	only := flag.String("only", "", "run the parts whose name contains this")
	flag.Parse()
	if *bare != "" {
		if err := runBare(*bare, *durable); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if *api != "" {
		if err := runListener(*api); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	p := plan{window: 3 * time.Second, users: 1000, crowd: 100_000, rounds: 3, starts: 11, revocations: 200}
	if *quick {
		p = plan{window: 500 * time.Millisecond, users: 300, crowd: 2_000, rounds: 2, starts: 3, revocations: 20}
	}
	b := &bench{plan: p, only: *only}
	err := b.run()
	b.print()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func runBare(file string, durable bool) error {
	if !durable {
		return serveBare(file, nil)
	}
	step, end, err := twoAndCommit(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer end()
	return serveBare(file, step)
}

// bench is one run.
type bench struct {
	plan   plan
	only   string
	folder string
	real   string // the built binary
	light  string // the one whose hash costs nothing
	sheet  []row
}

// row is one line of the table.
type row struct {
	what  string
	rate  string
	cpu   string
	limit string
	ratio string
	goal  string
	met   mark
}

type mark int

const (
	untold mark = iota
	met
	missed
)

func judge(ok bool) mark {
	if ok {
		return met
	}
	return missed
}

func (m mark) String() string { return [...]string{"", "PASS", "over goal"}[m] }

func (b *bench) add(r row) {
	b.sheet = append(b.sheet, r)
	progress("  %s: %s", r.what, strings.Join(strings.Fields(r.rate+" "+r.cpu+" "+r.ratio), " "))
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

func (b *bench) run() error {
	var err error
	if b.folder, err = os.MkdirTemp("", "intelliauth-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.folder)
	if err := b.binaries(); err != nil {
		return err
	}
	began := time.Now()
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"what the machine can do", b.machine},
		{"password sign-in", b.passwords},
		{"a whole sign-in without the hash, tokens", b.tokens},
		{"passkey and TOTP sign-ins", b.factors},
		{"revocations at many APIs", b.fanout},
		{"metadata", b.metadata},
		{"start and memory", b.start},
		{fmt.Sprintf("%d users, A B A B", b.plan.crowd), b.crowds},
	} {
		if !strings.Contains(part.name, b.only) {
			continue
		}
		progress("%s", part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	progress("done in %s", time.Since(began).Round(time.Second))
	return nil
}

func (b *bench) print() {
	head := row{what: "path", rate: "rate", cpu: "server CPU/op", limit: "limit, same run", ratio: "ratio", goal: "goal"}
	rows := append([]row{head}, b.sheet...)
	columns := func(r row) []string { return []string{r.what, r.rate, r.cpu, r.limit, r.ratio, r.goal} }
	widths := make([]int, 6)
	for _, r := range rows {
		for i, text := range columns(r) {
			widths[i] = max(widths[i], len([]rune(text)))
		}
	}
	fmt.Printf("\n%s, %d cores\n\n", runtime.Version(), runtime.NumCPU())
	for n, r := range rows {
		for i, text := range columns(r) {
			fmt.Print(text, strings.Repeat(" ", widths[i]-len([]rune(text))+2))
		}
		fmt.Println(r.met)
		if n == 0 {
			fmt.Println(strings.Repeat("-", 2*len(widths)+sum(widths)+len("over goal")))
		}
	}
}

func sum(of []int) (n int) {
	for _, v := range of {
		n += v
	}
	return n
}

func perSecond(v float64) string { return fmt.Sprintf("%.0f/s", v) }

// short prints a duration with three significant digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1e3)
}

func ratio(v float64) string { return fmt.Sprintf("%.2f", v) }
