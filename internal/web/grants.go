package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// Why a grant ended, and what the account page then says.
const (
	endedByUser      = "revoked_by_user"
	doneDisconnected = "application"
)

// namesOf reads what applications are called.
func namesOf(ctx context.Context, tx identity.Tx) (map[string]string, error) {
	all, err := tx.Applications.List(ctx)
	names := make(map[string]string, len(all))
	for _, a := range all {
		names[a.ID] = a.Name
	}
	return names, err
}

// revoke ends the grants of a user that match, and tells how many there were.
// It takes away and gives nothing, so no fresh proof is asked for.
func (s *server) revoke(ctx context.Context, user string, match func(identity.Grant) bool) (int, error) {
	ended := 0
	err := s.Store.Update(ctx, edge.TenantOf(ctx).ID, func(tx identity.Tx) error {
		ended = 0
		all, err := tx.Grants.ByUser(ctx, user)
		if err != nil {
			return err
		}
		for _, g := range all {
			if !match(g) {
				continue
			}
			if err := s.Changes.RevokeGrant(ctx, tx, g, endedByUser); err != nil {
				return err
			}
			ended++
		}
		return nil
	})
	return ended, err
}

// askDisconnect answers GET /account/applications/{id}.
func (s *server) askDisconnect(w http.ResponseWriter, r *http.Request) error {
	names, err := s.applicationNames(r.Context())
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	page, v, err := s.about(w, r, change{about: func(v visit, a flow.Account, id string) (askPage, bool) {
		name := or(names[id], v.Text(messages.AccountApplicationAny))
		return askPage{
			Heading: v.Text(messages.AccountApplicationTitle, "application", name), Lead: []string{v.Text(messages.AccountApplicationLead, "application", name)},
			Form: askForm{Submit: v.Text(messages.AccountApplicationSubmit), Grave: true},
		}, slices.ContainsFunc(a.Grants, func(g identity.Grant) bool { return g.Application == id })
	}})
	if err != nil || page == nil {
		return err
	}
	page.Form.Action = accountPath + "/applications/" + id + "/revoke"
	return s.Pages.render(v, http.StatusOK, "ask", *page)
}

// disconnect answers POST /account/applications/{id}/revoke: all that the
// application was given ends, in whichever browser.
func (s *server) disconnect(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.ownForm(r); err != nil {
		return err
	}
	c, in, err := s.admitted(r)
	if err != nil {
		return err
	}
	if !in {
		return s.begin(w, r, accountPath)
	}
	if _, err := s.revoke(r.Context(), c.User.ID, func(g identity.Grant) bool { return g.Application == r.PathValue("id") }); err != nil {
		return err
	}
	seeOther(w, accountPath+"?"+queryDone+"="+doneDisconnected)
	return nil
}

// grantBody is what an application was given, as its giver sees it.
type grantBody struct {
	ID          string          `json:"id"`
	Application applicationBody `json:"application"`
	Scopes      []string        `json:"scopes"`
	CreatedAt   time.Time       `json:"createdAt"`
	ExpiresAt   time.Time       `json:"expiresAt,omitzero"`
	Current     bool            `json:"current"` // of the caller's session
}

type applicationBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (s *server) listGrants(w http.ResponseWriter, r *http.Request, c caller) error {
	out := list[grantBody]{Data: []grantBody{}}
	err := s.Store.View(r.Context(), edge.TenantOf(r.Context()).ID, func(tx identity.Tx) error {
		names, err := namesOf(r.Context(), tx)
		if err != nil {
			return err
		}
		all, err := tx.Grants.ByUser(r.Context(), c.actor.User.ID)
		for _, g := range all {
			out.Data = append(out.Data, grantBody{
				ID: g.ID, Application: applicationBody{g.Application, names[g.Application]}, Scopes: g.Scopes,
				CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt, Current: g.Session == c.actor.Session,
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *server) revokeGrant(w http.ResponseWriter, r *http.Request, c caller) error {
	ended, err := s.revoke(r.Context(), c.actor.User.ID, func(g identity.Grant) bool { return g.ID == r.PathValue("id") })
	if err != nil {
		return err
	}
	if ended == 0 {
		return identity.ErrNotFound
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
