package oidc

import (
	"net/http"
	"net/url"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
)

// pushedFor is how long a pushed request waits to be used (RFC 9126, 2.2).
const pushedFor = time.Minute

// par takes an authorization request from the application itself (RFC 9126): it
// passes the same checks, waits under an unguessable name, and can be used once
// by this client.
func (e *endpoints) par(w http.ResponseWriter, r *http.Request) error {
	form, err := edge.Form(r)
	if err != nil {
		return err
	}
	if _, repeated := edge.Repeated(form, "resource", "audience"); repeated || r.URL.RawQuery != "" {
		return invalidRequest("A parameter is repeated, or in the address.")
	}
	app, err := e.authenticate(r, form, PARPath)
	if err != nil {
		return err
	}
	if form.Has("request_uri") {
		return invalidRequest("request_uri cannot be pushed.")
	}
	params := withoutCredentials(form)
	params.Set("client_id", app.ID)
	if err := e.pushedKey(w, r, app, params); err != nil {
		return err
	}
	a := e.context(r.Context(), params)
	a.pushed, a.authenticated = true, !app.Public()
	if err := e.examine(a); err != nil {
		return err
	}
	id, err := e.park(r.Context(), kindPushed, parked{
		Client: app.ID, Authenticated: a.authenticated, Pushed: true, Params: params.Encode(),
	}, pushedFor)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, map[string]any{
		"request_uri": urnPrefix + id, "expires_in": int(pushedFor / time.Second),
	})
}

// withoutCredentials leaves out what only served to authenticate.
func withoutCredentials(form url.Values) url.Values {
	params := url.Values{}
	for name, values := range form {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type":
		default:
			params[name] = values
		}
	}
	return params
}
