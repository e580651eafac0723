package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor/password"
)

// machine measures the limits that other parts are held against.
func (b *bench) machine() error {
	sign, err := signer()
	if err != nil {
		return err
	}
	cores := runtime.NumCPU()
	h := inProcess(cores, b.plan.window, hash)
	b.add(row{what: "argon2id, 19 MiB, t=2 (the limit of a sign-in)", rate: perSecond(h.rate()), cpu: short(h.each())})
	s := inProcess(cores, b.plan.window/3, sign)
	b.add(row{what: "ES256 signature", rate: perSecond(s.rate()), cpu: short(s.each())})
	return nil
}

// passwords signs in by password, many at once.
func (b *bench) passwords() error {
	h, err := b.newHouse("passwords")
	if err != nil {
		return err
	}
	if err := b.furnish(h, b.real, password.DefaultParams(), b.plan.users); err != nil {
		return err
	}
	s, err := h.serve(b.real)
	if err != nil {
		return err
	}
	defer s.stop()
	var turn atomic.Int64
	var first float64
	for _, clients := range []int{32, 200} {
		r, limit, err := b.byTurns(func(window time.Duration) (result, error) {
			return measure(h, s.cpu, clients, 2*window, signIns(&turn, b.plan.users, false))
		}, func(window time.Duration) (result, error) {
			return inProcess(runtime.NumCPU(), window, hash), nil
		})
		if err != nil {
			return err
		}
		line := row{
			what: fmt.Sprintf("password sign-in, %d at once", clients),
			rate: perSecond(r.rate()), cpu: short(r.each()), limit: perSecond(limit.rate()) + ", " + short(limit.each()) + " CPU",
		}
		if clients == 32 {
			first = r.rate()
			share := float64(limit.each()) / float64(r.each())
			line.ratio, line.goal, line.met = ratio(share), "hash CPU ÷ server CPU ≥ 0.9", judge(share >= 0.9)
		} else {
			line.what += fmt.Sprintf(" (%d asked to wait)", r.busy)
			line.ratio, line.goal, line.met = ratio(r.rate()/first), "no collapse: ≥ 0.8 of 32", judge(r.rate() >= 0.8*first)
		}
		b.add(line)
	}
	b.add(row{what: "resident after that", rate: fmt.Sprintf("%.0f MB", s.resident())})
	return nil
}

// tokens measures what a sign-in costs beside its hash, and the token endpoint.
func (b *bench) tokens() error {
	h, err := b.newHouse("tokens")
	if err != nil {
		return err
	}
	if err := b.furnish(h, b.light, cheap(), b.plan.users); err != nil {
		return err
	}
	s, err := h.serve(b.light)
	if err != nil {
		return err
	}
	defer s.stop()
	const clients = 16
	var turn atomic.Int64
	whole, err := measure(h, s.cpu, clients, b.plan.window, signIns(&turn, b.plan.users, true))
	if err != nil {
		return err
	}
	sign, err := signer()
	if err != nil {
		return err
	}
	// The goal is for a machine where a signature takes 33 µs.
	signature := inProcess(runtime.NumCPU(), b.plan.window/3, sign)
	goal := time.Duration(2 * float64(time.Millisecond) * float64(signature.each()) / float64(33*time.Microsecond))
	b.add(row{
		what: "whole sign-in but the hash: authorize, two posts, token", rate: perSecond(whole.rate()), cpu: short(whole.each()),
		limit: "signature " + short(signature.each()) + " CPU", ratio: ratio(float64(whole.each()) / float64(signature.each())),
		goal: "≤ 2 ms CPU where a signature is 33 µs: " + short(goal), met: judge(whole.each() <= goal),
	})

	if err := b.refresh(h, s, clients); err != nil {
		return err
	}

	machine, err := measure(h, s.cpu, clients, b.plan.window, credentials)
	if err != nil {
		return err
	}
	b.add(row{
		what: "client credentials", rate: perSecond(machine.rate()), cpu: short(machine.each()),
		goal: "≤ 0.25 ms CPU", met: judge(machine.each() <= 250*time.Microsecond),
	})
	return nil
}

// refresh measures the refresh grant beside its limit: two signatures and one
// grouped commit.
//
// The limit is measured twice. A rate that a client on the same two cores asks
// for holds the client's own work and that of HTTP; a rate of goroutines that
// call a function holds neither, so a ratio of the two says mostly what a client
// costs. So rates are compared with the limit behind a bare net/http handler
// that is asked by the same client for an answer of the same size, each side in
// a process of its own. And by CPU, where no client counts, the limit is also
// taken without any HTTP: that is the strictest reading of the goal.
func (b *bench) refresh(h *house, s *server, clients int) error {
	w, err := newWire(h.address(), h.host())
	if err != nil {
		return err
	}
	first, err := signIn(w, email(0), true)
	w.close()
	if err != nil {
		return err
	}
	sample, err := json.Marshal(first)
	if err != nil {
		return err
	}
	address, bare, err := b.bareServer(sample, "-durable")
	if err != nil {
		return err
	}
	other, err := houseAt(address)
	if err != nil {
		return errors.Join(err, bare.stop())
	}
	ours, theirs, err := b.byTurns(func(window time.Duration) (result, error) {
		return measure(h, s.cpu, clients, window, refreshes(b.plan.users))
	}, func(window time.Duration) (result, error) {
		return measure(other, bare.cpu, clients, window, again(first))
	})
	if err = errors.Join(err, bare.stop()); err != nil {
		return err
	}
	limit, err := b.refreshLimit(clients)
	if err != nil {
		return err
	}
	share := ours.rate() / theirs.rate()
	b.add(row{
		what: "refresh grant, durable", rate: perSecond(ours.rate()), cpu: short(ours.each()),
		limit: perSecond(theirs.rate()) + ", " + short(theirs.each()) + " CPU", ratio: ratio(share),
		goal: "≥ 0.5 (rate, limit behind net/http), ≤ 0.5 ms CPU", met: judge(share >= 0.5 && ours.each() <= 500*time.Microsecond),
	})
	b.add(row{what: "  the same by CPU, limit behind net/http", ratio: ratio(float64(theirs.each()) / float64(ours.each()))})
	b.add(row{
		what: "  the same by CPU, limit without HTTP", limit: perSecond(limit.rate()) + ", " + short(limit.each()) + " CPU",
		ratio: ratio(float64(limit.each()) / float64(ours.each())), goal: "≥ 0.5, read strictly", met: judge(limit.each()*2 >= ours.each()),
	})
	return nil
}

// refreshLimit is two signatures and one grouped commit, on as many goroutines
// as there are clients.
func (b *bench) refreshLimit(clients int) (result, error) {
	step, end, err := twoAndCommit(b.folder)
	if err != nil {
		return result{}, err
	}
	defer end()
	return inProcess(clients, b.plan.window, step), nil
}

// byTurns measures two things by turns, so that a slow moment of the machine
// meets both.
func (b *bench) byTurns(ours, theirs func(window time.Duration) (result, error)) (a, c result, err error) {
	const turns = 4
	for range turns {
		r, err := ours(b.plan.window / 2)
		if err != nil {
			return a, c, err
		}
		a = a.plus(r)
		if r, err = theirs(b.plan.window / 2); err != nil {
			return a, c, err
		}
		c = c.plus(r)
	}
	return a, c, nil
}

// metadata compares answers that never change with a bare handler's.
func (b *bench) metadata() error {
	h, err := b.newHouse("metadata")
	if err != nil {
		return err
	}
	s, err := h.serve(b.real, "--migrate")
	if err != nil {
		return err
	}
	defer s.stop()
	for _, path := range []string{"/.well-known/openid-configuration", "/oauth2/jwks"} {
		w, err := newWire(h.address(), h.host())
		if err != nil {
			return err
		}
		body, err := w.ask("GET", path, "", nil)
		w.close()
		if err != nil {
			return err
		}
		address, bare, err := b.bareServer(body.body)
		if err != nil {
			return err
		}
		ours, theirs, err := b.against(h, s, address, bare, path)
		if err = first(err, bare.stop()); err != nil {
			return err
		}
		share := ours.rate() / theirs.rate()
		b.add(row{
			what: "GET " + path, rate: perSecond(ours.rate()), cpu: short(ours.each()),
			limit: perSecond(theirs.rate()) + ", " + short(theirs.each()) + " CPU", ratio: ratio(share), goal: "≥ 0.8 of bare net/http", met: judge(share >= 0.8),
		})
		b.add(row{what: "  the same by CPU", ratio: ratio(float64(theirs.each()) / float64(ours.each()))})
	}
	return b.logged()
}

// against compares an answer of ours with the bare server's.
func (b *bench) against(h *house, s *server, address string, bare *server, path string) (ours, theirs result, err error) {
	other, err := houseAt(address)
	if err != nil {
		return ours, theirs, err
	}
	const clients = 16
	return b.byTurns(func(window time.Duration) (result, error) {
		return measure(h, s.cpu, clients, window, fetch(path))
	}, func(window time.Duration) (result, error) {
		return measure(other, bare.cpu, clients, window, fetch(path))
	})
}

// houseAt is where a bare server listens.
func houseAt(address string) (*house, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	return &house{port: n}, err
}

// logged says what a line in the access log costs: the default level, which the
// other measurements leave out.
func (b *bench) logged() error {
	h, err := b.newHouse("logged")
	if err != nil {
		return err
	}
	if err := h.logAt("info"); err != nil {
		return err
	}
	s, err := h.serve(b.real, "--migrate")
	if err != nil {
		return err
	}
	defer s.stop()
	const path = "/.well-known/openid-configuration"
	r, err := measure(h, s.cpu, 16, b.plan.window, fetch(path))
	if err != nil {
		return err
	}
	b.add(row{what: "  with a line in the access log for each", rate: perSecond(r.rate()), cpu: short(r.each())})
	return nil
}

func (r result) plus(o result) result {
	return result{count: r.count + o.count, elapsed: r.elapsed + o.elapsed, cpu: r.cpu + o.cpu, busy: r.busy + o.busy}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// start measures starts on a database that exists, and memory at rest.
func (b *bench) start() error {
	h, err := b.newHouse("start")
	if err != nil {
		return err
	}
	if err := b.furnish(h, b.real, password.DefaultParams(), b.plan.users); err != nil {
		return err
	}
	took, err := b.starts(h)
	if err != nil {
		return err
	}
	b.add(row{
		what: fmt.Sprintf("cold start to ready, median of %d", b.plan.starts), rate: short(took),
		goal: "≤ 30 ms", met: judge(took <= 30*time.Millisecond),
	})
	s, err := h.serve(b.real)
	if err != nil {
		return err
	}
	defer s.stop()
	time.Sleep(2 * time.Second) // at rest
	memory := s.resident()
	b.add(row{what: "idle, resident", rate: fmt.Sprintf("%.1f MB", memory), goal: "≤ 35 MB", met: judge(memory <= 35)})
	return nil
}

func (b *bench) starts(h *house) (time.Duration, error) {
	var took []time.Duration
	for range b.plan.starts {
		s, err := h.serve(b.real)
		if err != nil {
			return 0, err
		}
		took = append(took, s.ready)
		if err := s.stop(); err != nil {
			return 0, err
		}
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
