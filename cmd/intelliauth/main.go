// Command intelliauth answers "which one, when, how random?": it reads the
// configuration, chooses clock and randomness, wires the rooms together and
// offers them as subcommands.
//
//	main.go       Main: the program as a value, shared with end-to-end tests
//	cli.go        the grammar: one struct per command
//	house.go      the wiring: store, factors, engine, keys, edges → one handler
//	factors.go    the visible list of factors
//	serve.go      production; admin.go, heap.go, metrics.go, sweep.go beside it
//	dev.go        a complete world in one process; dev*.go beside it are reached by it alone
//	config/       what the operator wrote
//	demo/         the demo application of dev
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/intelliauth/intelliauth/internal/factor/password"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitWrong  = 2 // wrong use
)

// Main is the program as a value: everything it touches of the world is named
// here, so that a test runs it as a person would.
type Main struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(name string) (string, bool)
	Now            func() time.Time
	Random         io.Reader // safe for concurrent use

	// Hash makes passwords cheaper to hash in tests; zero is the default.
	Hash password.Params

	Terminal bool                                // Stderr is a terminal
	Conceal  func(prompt string) (string, error) // asks on the terminal without echo; nil where Stdin is none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	m := &Main{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Env: os.LookupEnv, Now: time.Now, Random: rand.Reader,
		Terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		m.Conceal = func(prompt string) (string, error) {
			fmt.Fprint(os.Stderr, prompt)
			b, err := term.ReadPassword(int(os.Stdin.Fd()))
			fmt.Fprintln(os.Stderr)
			return string(b), err
		}
	}
	code := m.Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// stopped is how the parser's wish to end the program travels.
type stopped int

// Run runs one command and returns its exit code: 0 done, 1 failed, 2 wrong
// use. It returns when the command is done, or soon after ctx ends.
func (m *Main) Run(ctx context.Context, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(stopped)
			if !ok {
				panic(r)
			}
			code = int(s)
		}
	}()
	parser := kong.Must(&cli{}, grammar(m)...)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(m.Stderr, "intelliauth: %v\n  next: %s\n", err, helpFor(err))
		return exitWrong
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(m); err != nil {
		m.tell(err)
		var wrong *advice
		if errors.As(err, &wrong) && wrong.wrongUse {
			return exitWrong
		}
		return exitFailed
	}
	return exitDone
}

// advice is an error that says what to do next.
type advice struct {
	err      error
	next     string
	wrongUse bool
}

func (a *advice) Error() string { return a.err.Error() }
func (a *advice) Unwrap() error { return a.err }

// next adds to an error what to do about it. A nil error stays nil.
func next(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &advice{err: err, next: fmt.Sprintf(format, args...)}
}

// wrongUse is an error about how the command was called.
func wrongUse(what, format string, args ...any) error {
	return &advice{err: errors.New(what), next: fmt.Sprintf(format, args...), wrongUse: true}
}

// errTold says that the command failed and has already said why.
var errTold = errors.New("")

func (m *Main) tell(err error) {
	if errors.Is(err, errTold) {
		return
	}
	fmt.Fprintf(m.Stderr, "intelliauth: %v\n", err)
	var a *advice
	if errors.As(err, &a) {
		fmt.Fprintf(m.Stderr, "  next: %s\n", a.next)
		return
	}
	fmt.Fprintln(m.Stderr, "  next: `intelliauth doctor` looks for the cause")
}

// say prints a line of the command's own output.
func (m *Main) say(format string, args ...any) { fmt.Fprintf(m.Stdout, format+"\n", args...) }

// progress tells a person who waits what is being done. It goes to stderr, so
// that output stays clean for programs.
func (m *Main) progress(format string, args ...any) { fmt.Fprintf(m.Stderr, format+"\n", args...) }
