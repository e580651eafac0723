package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/demo"
	"github.com/intelliauth/intelliauth/internal/deliver"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// This file holds every route that `intelliauth dev` has and `intelliauth
// serve` has not. A test holds that nothing but dev.go reaches it.

//go:embed devinbox.html
var inboxPage string

// inboxShown is how many messages the inbox keeps in sight.
const inboxShown = 200

// devRoutes serves the inbox and the clock, to this machine's own names and to
// no other site's pages (C-42).
func (w *devWorld) devRoutes() http.Handler {
	mux := http.NewServeMux()
	page := template.Must(template.New("inbox").Parse(inboxPage))
	mux.HandleFunc("GET /dev/inbox", func(rw http.ResponseWriter, r *http.Request) {
		list, err := w.inbox(r.Context())
		if err != nil {
			edge.Fail(rw, r, err)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.Execute(rw, list); err != nil {
			edge.LogOf(r.Context()).Warn("inbox", "error", err)
		}
	})
	mux.HandleFunc("GET /dev/inbox.json", func(rw http.ResponseWriter, r *http.Request) {
		list, err := w.inbox(r.Context())
		if err != nil {
			edge.Fail(rw, r, err)
			return
		}
		answerJSON(rw, list)
	})
	mux.Handle("/dev/static/", http.StripPrefix("/dev/static", demo.Static()))
	mux.HandleFunc("GET /dev/clock", func(rw http.ResponseWriter, _ *http.Request) { w.tellClock(rw) })
	mux.HandleFunc("POST /dev/clock", w.moveClock)
	return w.guard(mux)
}

// guard refuses hosts that are not ours, against DNS rebinding, and requests
// that another site made a browser send.
func (w *devWorld) guard(next http.Handler) http.Handler {
	hosts := []string{hostOf(w.at.Issuer), hostOf(w.at.Acme), "127.0.0.1:" + w.at.Port, "[::1]:" + w.at.Port}
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		site, mode := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode")
		elsewhere := (site == "cross-site" || site == "same-site") && mode != "navigate"
		if !slices.Contains(hosts, strings.ToLower(r.Host)) || elsewhere || protection.Check(r) != nil {
			edge.Problem(rw, r, http.StatusForbidden, "cross_site", "This is for this machine's own pages and programs.", nil)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// inboxMessage is a mail or a text message as the inbox shows it.
type inboxMessage struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Body    string    `json:"body"`
	Code    string    `json:"code"`
	SentAt  time.Time `json:"sentAt"`
}

// inbox collects what all tenants sent, newest first, as it would be read
// elsewhere.
func (w *devWorld) inbox(ctx context.Context) ([]inboxMessage, error) {
	tenants, err := w.house.store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	out, words := []inboxMessage{}, messages.Load()
	for _, t := range tenants {
		err := w.house.store.View(ctx, t.ID, func(tx identity.Tx) error {
			list, err := tx.Outbox.List(ctx, inboxShown)
			for _, m := range list {
				if m.To == "" || m.Channel == identity.ChannelLogout {
					continue // to nobody: it was made so that others take no less time; or to a program
				}
				r, failed := deliver.Render(words, t, m)
				if failed != nil {
					r = deliver.Rendered{Subject: m.Kind, Text: "This message cannot be sent: " + failed.Error()}
				}
				out = append(out, inboxMessage{m.ID, m.Channel, m.To, r.Subject, r.Text, m.Code, m.At})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b inboxMessage) int {
		return cmp.Or(b.SentAt.Compare(a.SentAt), cmp.Compare(b.ID, a.ID))
	})
	return out[:min(len(out), inboxShown)], nil
}

func (w *devWorld) tellClock(rw http.ResponseWriter) {
	answerJSON(rw, map[string]any{"now": w.clock.now().UTC().Format(time.RFC3339Nano), "offset": w.clock.offset().String()})
}

func (w *devWorld) moveClock(rw http.ResponseWriter, r *http.Request) {
	var asked struct {
		Advance string `json:"advance"`
	}
	if err := edge.DecodeJSON(r, &asked); err != nil {
		edge.Fail(rw, r, err)
		return
	}
	d, err := time.ParseDuration(asked.Advance)
	if err != nil {
		edge.Fail(rw, r, identity.Invalid("invalid_request", `advance wants a duration, as {"advance":"25h"}`))
		return
	}
	ok, err := w.clock.advance(d)
	switch {
	case err != nil:
		edge.Fail(rw, r, err)
	case !ok:
		edge.Fail(rw, r, identity.Invalid("invalid_request", "the clock may be ten years off at most"))
	default:
		w.tellClock(rw)
	}
}

// demoApp is the demo application of one tenant.
func (w *devWorld) demoApp(tenant string) http.Handler {
	issuer := w.at.Issuer
	if tenant == "acme" {
		issuer = w.at.Acme
	}
	return demo.Handler(demo.Deps{
		Issuer: issuer, ClientID: "demo-spa", Audience: "https://api.demo.example", Now: w.clock.now,
		Tenant: func(ctx context.Context) (identity.Tenant, bool) { return w.house.tenants.ByHost(ctx, hostOf(issuer)) },
		Keys:   w.house.keys,
	})
}

func answerJSON(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(v) // the client may be gone
}
