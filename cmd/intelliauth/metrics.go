package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// metrics counts what the process does. Labels are of closed sets: a route is
// the pattern that matched, never the path that somebody asked for.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	events   *prometheus.CounterVec
	flows    prometheus.Counter
	commits  *prometheus.CounterVec
	hashes   prometheus.Counter
	messages *prometheus.CounterVec
	now      func() time.Time
}

func newMetrics(now func() time.Time, slots *flow.Slots) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "intelliauth_http_requests_total", Help: "Requests answered, by route, method and class of status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "intelliauth_http_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "intelliauth_events_total", Help: "Audit events committed by this process, by type and outcome; sign-ins are signin.completed and signin.denied.",
		}, []string{"type", "outcome"}),
		flows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "intelliauth_flows_begun_total", Help: "Sign-in flows begun.",
		}),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "intelliauth_store_updates_total", Help: "Write transactions, by result.",
		}, []string{"result"}),
		hashes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "intelliauth_password_hashes_total", Help: "Password hashes computed.",
		}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "intelliauth_messages_total", Help: "Tries to send a message, by channel and result: sent, retried, held (its senders are down), dead, expired.",
		}, []string{"channel", "result"}),
		now: now,
	}
	m.registry.MustRegister(m.requests, m.duration, m.events, m.flows, m.commits, m.hashes, m.messages,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.watchSlots(slots)
	return m
}

// watchSlots shows how busy the slots of password hashing are.
func (m *metrics) watchSlots(slots *flow.Slots) {
	total, _ := slots.Load()
	gauge := func(name, help string, read func() int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
	}
	gauge("intelliauth_hash_slots", "Slots for password hashing.", func() int { return total })
	gauge("intelliauth_hash_slots_in_use", "Slots in use.", func() int { free, _ := slots.Load(); return total - free })
	gauge("intelliauth_hash_slots_queued", "Sign-ins that wait for a slot.", func() int { _, waiting := slots.Load(); return waiting })
}

// watchStatements shows what the database is asked.
func (m *metrics) watchStatements(read func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "intelliauth_store_statements_total", Help: "Statements sent to the database for tenants, in transactions of either kind.",
	}, func() float64 { return float64(read()) }))
}

// middleware counts requests. It stands directly around the mux, which tells it
// the pattern by writing it into the request.
func (m *metrics) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := m.now()
		rec := &statusOf{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			route := r.Pattern
			if route == "" || route == "/" {
				route = "none"
			}
			m.requests.WithLabelValues(route, knownMethod(r.Method), strconv.Itoa(rec.status/100)+"xx").Inc()
			m.duration.WithLabelValues(route).Observe(m.now().Sub(begun).Seconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

// knownMethod keeps made-up methods out of the labels.
func knownMethod(s string) string {
	switch s {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return s
	}
	return "other"
}

// statusOf remembers the status of an answer.
type statusOf struct {
	http.ResponseWriter
	status int
}

func (s *statusOf) WriteHeader(status int) {
	if status >= 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (s *statusOf) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// tapped is a store whose committed events and flows are counted: the audit log
// and the metrics cannot disagree, and no other room knows of metrics. When a
// message was committed, whoever sends it is told.
type tapped struct {
	identity.Store
	metrics *metrics
	posted  chan<- struct{}
}

func (t tapped) Update(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	var seen tally
	err := t.Store.Update(ctx, tenant, func(tx identity.Tx) error {
		seen = tally{} // fn may run again
		tx.Events = tapEvents{tx.Events, &seen}
		tx.Ephemerals = tapEphemerals{tx.Ephemerals, &seen}
		tx.Outbox = tapOutbox{tx.Outbox, &seen}
		return fn(tx)
	})
	if err != nil {
		t.metrics.commits.WithLabelValues("undone").Inc()
		return err
	}
	t.metrics.commits.WithLabelValues("committed").Inc()
	for _, e := range seen.events {
		t.metrics.events.WithLabelValues(e.Type, e.Outcome).Inc()
	}
	t.metrics.flows.Add(float64(seen.flows))
	if seen.letters > 0 {
		select {
		case t.posted <- struct{}{}:
		default: // it was told already
		}
	}
	return nil
}

type tally struct {
	events  []identity.Event
	flows   int
	letters int // messages for somebody
}

type tapOutbox struct {
	identity.Outbox
	seen *tally
}

func (t tapOutbox) Put(ctx context.Context, m identity.Message) error {
	if m.DeadAt == nil {
		t.seen.letters++
	}
	return t.Outbox.Put(ctx, m)
}

type tapEvents struct {
	identity.Events
	seen *tally
}

func (t tapEvents) Append(ctx context.Context, e identity.Event) error {
	t.seen.events = append(t.seen.events, e)
	return t.Events.Append(ctx, e)
}

type tapEphemerals struct {
	identity.Ephemerals
	seen *tally
}

func (t tapEphemerals) Put(ctx context.Context, kind, key string, value []byte, expires time.Time) error {
	if kind == "flow" {
		t.seen.flows++
	}
	return t.Ephemerals.Put(ctx, kind, key, value, expires)
}
