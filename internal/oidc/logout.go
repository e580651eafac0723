package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// LogoutQuestion is what a page asks before it signs somebody out.
type LogoutQuestion struct {
	Application string            // whose request it is, if it said so
	Fields      map[string]string // to be posted to LogoutPath for yes
	Redirect    string            // where yes leads in the end, for form-action; "" if nowhere
}

// confirmField carries the answer of a person: a value that only a page made for
// this session knows.
const confirmField = "confirm"

// leaving is a logout request (OpenID Connect RP-Initiated Logout, section 2).
type leaving struct {
	params  url.Values
	app     identity.Application
	hinted  bool // an ID token of ours came along
	session string
	subject string
	back    string // where to go after, with state; "" if nowhere
}

// logout signs a person out at the wish of an application. Only an ID token of
// the very session spares the question: a link must not sign anybody out.
func (e *endpoints) logout(w http.ResponseWriter, r *http.Request) error {
	query, err := edge.Query(r)
	if err != nil {
		return err
	}
	if id := query.Get(paramPosted); id != "" {
		p, err := e.unpark(r.Context(), kindLeaving, id)
		if err != nil {
			return err
		}
		if query, err = url.ParseQuery(p.Params); err != nil {
			return err
		}
	}
	l, err := e.examineLeaving(r.Context(), query)
	if err != nil {
		return err
	}
	s, err := e.sessionOf(r)
	if errors.Is(err, identity.ErrNotFound) {
		return e.goodbye(w, r, l) // nobody is signed in
	}
	if err != nil {
		return err
	}
	if l.hinted && l.subject == s.User && l.session == s.ID {
		return e.signOut(w, r, l, s)
	}
	fields := map[string]string{confirmField: confirmation(e.Cookies.Session(r))}
	for _, name := range leavingParams() {
		if v := l.params.Get(name); v != "" {
			fields[name] = v
		}
	}
	e.ConfirmLogout(w, r, LogoutQuestion{Application: l.app.Name, Fields: fields, Redirect: l.back})
	return nil
}

// leavingParams are the parameters that are read; logout_hint tells us nothing
// that the cookie does not.
func leavingParams() []string {
	return []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}
}

// logoutPosted takes a yes, or turns the POST of an application into a GET: what
// another site posts comes without our cookies.
func (e *endpoints) logoutPosted(w http.ResponseWriter, r *http.Request) error {
	form, err := edge.Form(r)
	if err != nil {
		return err
	}
	if !form.Has(confirmField) {
		params := url.Values{}
		for _, name := range leavingParams() {
			if v := form[name]; len(v) > 0 {
				params[name] = v
			}
		}
		if _, err := e.examineLeaving(r.Context(), params); err != nil {
			return err
		}
		id, err := e.park(r.Context(), kindLeaving, parked{Params: params.Encode()}, postedFor)
		if err != nil {
			return err
		}
		seeOther(w, LogoutPath+"?"+paramPosted+"="+id)
		return nil
	}
	l, err := e.examineLeaving(r.Context(), form)
	if err != nil {
		return err
	}
	var failed error
	edge.CrossSite(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		failed = e.confirmed(w, r, l)
	})).ServeHTTP(w, r)
	return failed
}

func (e *endpoints) confirmed(w http.ResponseWriter, r *http.Request, l leaving) error {
	s, err := e.sessionOf(r)
	if errors.Is(err, identity.ErrNotFound) {
		return e.goodbye(w, r, l)
	}
	if err != nil {
		return err
	}
	want := confirmation(e.Cookies.Session(r))
	if subtle.ConstantTimeCompare([]byte(l.params.Get(confirmField)), []byte(want)) != 1 {
		return &oauthError{code: "access_denied", description: "This page is out of date. Go back and try again.", status: http.StatusForbidden}
	}
	return e.signOut(w, r, l, s)
}

// confirmation is bound to the session's cookie and says nothing of it.
func confirmation(secret string) string { return identity.HashKey("logout\x00" + secret) }

// examineLeaving checks a logout request. Nothing that it refuses is redirected.
func (e *endpoints) examineLeaving(ctx context.Context, params url.Values) (leaving, error) {
	l := leaving{params: params}
	if _, repeated := edge.Repeated(params); repeated {
		return l, invalidRequest("A parameter is repeated.")
	}
	client := params.Get("client_id")
	if hint := params.Get("id_token_hint"); hint != "" {
		id, err := e.Keys.VerifyIDHint(ctx, edge.TenantOf(ctx), hint)
		if errors.Is(err, identity.ErrInvalid) {
			return l, invalidRequest("id_token_hint is not an ID token of this issuer.")
		}
		if err != nil {
			return l, err
		}
		if client != "" && client != id.Audience {
			return l, invalidRequest("client_id is not the one that id_token_hint was issued to.")
		}
		client, l.hinted, l.subject, l.session = id.Audience, true, id.Subject, id.Session
	}
	if client != "" {
		app, err := e.apps.byID(ctx, edge.TenantOf(ctx).ID, client)
		if errors.Is(err, identity.ErrNotFound) {
			return l, refuse("invalid_client", "No application is registered under this client_id.")
		}
		if err != nil {
			return l, err
		}
		l.app = app
	}
	return l, l.findBack()
}

// findBack checks where to go after. Without knowing whose request it is there is
// nowhere to go (RP-Initiated Logout, section 3).
func (l *leaving) findBack() error {
	back := l.params.Get("post_logout_redirect_uri")
	if back == "" || l.app.ID == "" {
		return nil
	}
	if !slices.Contains(l.app.PostLogoutURIs, back) || !harmless(back) {
		return invalidRequest("post_logout_redirect_uri is not registered for this application.")
	}
	state := l.params.Get("state")
	if len(state) > maxState {
		return invalidRequest("state is too long.")
	}
	u, err := url.Parse(back)
	if err != nil {
		return err
	}
	if state != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += url.Values{"state": {state}}.Encode()
	}
	l.back = u.String()
	return nil
}

// sessionOf finds the browser's session, lapsed ones included: whatever its
// level, it can be ended.
func (e *endpoints) sessionOf(r *http.Request) (identity.Session, error) {
	secret := e.Cookies.Session(r)
	if secret == "" {
		return identity.Session{}, identity.ErrNotFound
	}
	var s identity.Session
	err := e.Store.View(r.Context(), edge.TenantOf(r.Context()).ID, func(tx identity.Tx) (err error) {
		s, err = tx.Sessions.BySecret(r.Context(), identity.Hash(secret))
		return err
	})
	if err == nil && s.Ended() {
		err = identity.ErrNotFound
	}
	return s, err
}

// signOut ends the session and its grants, then says goodbye.
func (e *endpoints) signOut(w http.ResponseWriter, r *http.Request, l leaving, s identity.Session) error {
	ctx := r.Context()
	err := e.Store.Update(ctx, edge.TenantOf(ctx).ID, func(tx identity.Tx) error {
		now, err := tx.Sessions.ByID(ctx, s.ID) // its version may have moved
		if err != nil {
			return err
		}
		return e.Engine.EndSession(ctx, tx, now, "signed_out")
	})
	if err != nil {
		return err
	}
	e.Cookies.ClearSession(w)
	return e.goodbye(w, r, l)
}

func (e *endpoints) goodbye(w http.ResponseWriter, r *http.Request, l leaving) error {
	if l.back != "" {
		seeOther(w, l.back)
		return nil
	}
	e.SignedOut(w, r)
	return nil
}
