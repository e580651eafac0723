package web

import (
	"net/http"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// list is how the Me API answers with several things.
type list[T any] struct {
	Data []T `json:"data"`
}

// sessionBody is a browser that is signed in, as its owner sees it.
type sessionBody struct {
	ID           string    `json:"id"`
	Current      bool      `json:"current"` // the caller's own
	Device       string    `json:"device"`  // "" if the browser did not say
	IP           string    `json:"ip"`
	AAL          int       `json:"aal"`
	Bound        bool      `json:"bound"` // its cookie is of no use elsewhere
	CreatedAt    time.Time `json:"createdAt"`
	LastActiveAt time.Time `json:"lastActiveAt"`
}

func (s *server) listSessions(w http.ResponseWriter, r *http.Request, c caller) error {
	tenant := edge.TenantOf(r.Context())
	var all []identity.Session
	err := s.Store.View(r.Context(), tenant.ID, func(tx identity.Tx) (err error) {
		all, err = tx.Sessions.ByUser(r.Context(), c.actor.User.ID)
		return err
	})
	if err != nil {
		return err
	}
	out := list[sessionBody]{Data: []sessionBody{}}
	for _, session := range all {
		worth, err := s.Flows.Standing(tenant, session, session.Proofs)
		if err != nil {
			return err
		}
		out.Data = append(out.Data, sessionBody{
			ID: session.ID, Current: session.ID == c.actor.Session, Device: deviceName(session.UserAgent), IP: session.IP,
			AAL: int(worth.Level), Bound: session.Bound != nil, CreatedAt: session.CreatedAt, LastActiveAt: session.Activity.Last,
		})
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *server) endSession(w http.ResponseWriter, r *http.Request, c caller) error {
	return s.change(w, r, c, flow.Duty{Kind: flow.DutyEndSession, Session: r.PathValue("id")})
}

func (s *server) endOthers(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := empty(r); err != nil {
		return err
	}
	return s.change(w, r, c, flow.Duty{Kind: flow.DutyEndOthers})
}

func (s *server) endAll(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := empty(r); err != nil {
		return err
	}
	return s.change(w, r, c, flow.Duty{Kind: flow.DutyEndAll})
}

// empty takes no body, or an empty object.
func empty(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	var nothing struct{}
	return edge.DecodeJSON(r, &nothing)
}

// eventBody is something that happened, in words of the caller's language.
type eventBody struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Type        string    `json:"type"`
	Outcome     string    `json:"outcome"`
	Text        string    `json:"text"`
	Reasons     []string  `json:"reasons"`
	Device      string    `json:"device"`
	IP          string    `json:"ip"`
	Application string    `json:"application,omitempty"`
	Current     bool      `json:"current"` // done in the caller's own session
}

func (s *server) listActivity(w http.ResponseWriter, r *http.Request, c caller) error {
	var events []identity.Event
	names := map[string]string{}
	err := s.Store.View(r.Context(), edge.TenantOf(r.Context()).ID, func(tx identity.Tx) (err error) {
		if names, err = namesOf(r.Context(), tx); err != nil {
			return err
		}
		events, err = tx.Events.List(r.Context(), identity.EventFilter{User: c.actor.User.ID})
		return err
	})
	if err != nil {
		return err
	}
	v := s.Pages.visit(w, r, nil)
	out := list[eventBody]{Data: []eventBody{}}
	for _, e := range told(events) {
		out.Data = append(out.Data, eventBody{
			ID: e.ID, At: e.At, Type: e.Type, Outcome: e.Outcome, Text: v.eventText(e, names), Reasons: v.because(e),
			Device: deviceName(e.UserAgent), IP: e.IP, Application: messages.Clean(names[e.Application]),
			Current: e.Session != "" && e.Session == c.actor.Session,
		})
	}
	return writeJSON(w, http.StatusOK, out)
}
