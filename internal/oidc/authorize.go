package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// urnPrefix begins the request_uri of a pushed request (RFC 9126, 2.2).
const urnPrefix = "urn:ietf:params:oauth:request_uri:"

// postedFor is how long the address that a posted request was turned into works,
// so that it can be loaded again.
const postedFor = 5 * time.Minute

// paramPosted names a parked request in the address that it was turned into.
const paramPosted = "posted"

// parked is an authorization request that waits in the store.
type parked struct {
	Client        string `json:"client"`
	Authenticated bool   `json:"authenticated,omitempty"` // pushed by a client that proved itself
	Pushed        bool   `json:"pushed,omitempty"`
	Params        string `json:"params"`
}

// authorize takes an authorization request (RFC 6749, 4.1.1; OpenID Connect
// Core, 3.1.2.1). Everything it refuses is either a page, while it is not sure
// where the application lives, or an answer to the application.
func (e *endpoints) authorize(w http.ResponseWriter, r *http.Request) error {
	query, err := edge.Query(r)
	if err != nil {
		return err
	}
	a, err := e.resolve(r.Context(), query)
	if err != nil {
		return err
	}
	if err := e.examine(a); err != nil {
		return e.answerError(w, r, a, err)
	}
	allowPopup(w, a)
	b := e.browser(r)
	b.Binding = e.Cookies.EnsureBinding(w, r, e.Random)
	begun, err := e.Engine.Begin(r.Context(), a.tenant, b, a.request)
	if err != nil {
		return err
	}
	if begun.Answer != nil {
		return e.send(w, r, begun.Answer)
	}
	seeOther(w, "/flow/"+url.PathEscape(begun.FlowID))
	return nil
}

// authorizePosted turns a POST into a GET (C-35): a page of another site may
// post here, but browsers keep our cookies from it. The parameters are parked,
// since id_token_hint has no place in an address.
func (e *endpoints) authorizePosted(w http.ResponseWriter, r *http.Request) error {
	form, err := edge.Form(r)
	if err != nil {
		return err
	}
	if r.URL.RawQuery != "" || form.Has(paramPosted) {
		return invalidRequest("The parameters of a POST belong in its body.")
	}
	if strings.HasPrefix(form.Get("request_uri"), urnPrefix) {
		// Pushed already, and taken once only: nothing to park.
		q := url.Values{"client_id": form["client_id"], "request_uri": form["request_uri"]}
		seeOther(w, AuthorizePath+"?"+q.Encode())
		return nil
	}
	a := e.context(r.Context(), form)
	if err := e.examine(a); err != nil {
		return e.answerError(w, r, a, err)
	}
	allowPopup(w, a)
	id, err := e.park(r.Context(), kindPosted, parked{Client: a.app.ID, Params: form.Encode()}, postedFor)
	if err != nil {
		return err
	}
	seeOther(w, AuthorizePath+"?"+paramPosted+"="+id)
	return nil
}

// allowPopup keeps an application's popup its own: browsers apply the opener
// policy to redirects, too (C-33).
func allowPopup(w http.ResponseWriter, a *authorizeContext) {
	if a.get("display") == "popup" {
		edge.AllowPopup(w)
	}
}

// park stores a request under an unguessable name.
func (e *endpoints) park(ctx context.Context, kind string, p parked, life time.Duration) (id string, err error) {
	value, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	id = identity.RandomToken(32, e.Random)
	tenant := edge.TenantOf(ctx)
	err = e.Store.Update(ctx, tenant.ID, func(tx identity.Tx) error {
		return tx.Ephemerals.Put(ctx, kind, identity.HashKey(id), value, e.now().Add(life))
	})
	return id, err
}

// resolve finds the parameters: in the query, or parked by POST or PAR. Where
// they are parked the query has no say (RFC 9126, section 4).
func (e *endpoints) resolve(ctx context.Context, query url.Values) (*authorizeContext, error) {
	if id := query.Get(paramPosted); id != "" {
		p, err := e.unpark(ctx, kindPosted, id)
		if err != nil {
			return nil, err
		}
		return e.parkedContext(ctx, p)
	}
	uri := query["request_uri"]
	if len(uri) == 0 || !strings.HasPrefix(uri[0], urnPrefix) {
		return e.context(ctx, query), nil
	}
	if len(uri) > 1 || len(query["client_id"]) > 1 {
		return nil, invalidRequest("A parameter is repeated.")
	}
	p, err := e.unpark(ctx, kindPushed, strings.TrimPrefix(uri[0], urnPrefix))
	if err != nil {
		return nil, err
	}
	if p.Client != query.Get("client_id") {
		return nil, refuse("invalid_request_uri", "The request_uri was pushed by another client.")
	}
	return e.parkedContext(ctx, p)
}

// unpark reads a parked request. One that was pushed is taken: it works once.
func (e *endpoints) unpark(ctx context.Context, kind, id string) (p parked, err error) {
	var item identity.Item
	read := func(tx identity.Tx) (err error) {
		if kind == kindPushed {
			item, err = tx.Ephemerals.Take(ctx, kind, identity.HashKey(id))
		} else {
			item, err = tx.Ephemerals.Get(ctx, kind, identity.HashKey(id))
		}
		return err
	}
	tenant := edge.TenantOf(ctx)
	if kind == kindPushed {
		err = e.Store.Update(ctx, tenant.ID, read)
	} else {
		err = e.Store.View(ctx, tenant.ID, read)
	}
	if over(err) {
		return p, refuse("invalid_request_uri", "This request is over. Go back to the application and begin again.")
	}
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(item.Value, &p)
}

// over reports whether an ephemeral cannot be had any more.
func over(err error) bool {
	return errors.Is(err, identity.ErrNotFound) || errors.Is(err, identity.ErrExpired) || errors.Is(err, identity.ErrTaken)
}

func (e *endpoints) context(ctx context.Context, params url.Values) *authorizeContext {
	return &authorizeContext{ctx: ctx, tenant: edge.TenantOf(ctx), params: params, now: e.now()}
}

func (e *endpoints) parkedContext(ctx context.Context, p parked) (*authorizeContext, error) {
	params, err := url.ParseQuery(p.Params)
	if err != nil {
		return nil, err
	}
	a := e.context(ctx, params)
	a.pushed, a.authenticated = p.Pushed, p.Authenticated
	return a, nil
}

// examine holds a request against every check, in order, and stops at the first
// that refuses it.
func (e *endpoints) examine(a *authorizeContext) error {
	for _, c := range e.checks() {
		if err := c.run(a); err != nil {
			return err
		}
	}
	return nil
}

// answerError tells the application, or, while it is not sure that there is one
// at the redirect URI, a page (RFC 9700, 4.11.2). Overload and our own failures
// are pages: loading them again is the way on.
func (e *endpoints) answerError(w http.ResponseWriter, r *http.Request, a *authorizeContext, err error) error {
	allowPopup(w, a)
	var o *oauthError
	if !errors.As(err, &o) || !a.trusted {
		return err
	}
	params := map[string]string{"error": o.code}
	if o.description != "" {
		params["error_description"] = o.description
	}
	redirect, form := flow.AnswerURL(a.tenant, a.request.Authorization, params)
	return e.send(w, r, &flow.Answer{Redirect: redirect, Form: form})
}

// send gives the browser an answer: cookies, and the way to the application.
func (e *endpoints) send(w http.ResponseWriter, r *http.Request, a *flow.Answer) error {
	if a.Redirect == "" {
		return errors.New("an answer without a place to go")
	}
	if a.Session != "" {
		e.Cookies.SetSession(w, a.Session)
	}
	if a.Device != "" {
		e.Cookies.SetDevice(w, a.Device)
	}
	if a.Form != nil {
		e.FormPost(w, r, a.Redirect, maps.Clone(a.Form))
		return nil
	}
	seeOther(w, a.Redirect)
	return nil
}

// seeOther redirects with 303, so that nothing posted to us is posted on
// (RFC 9700, 4.12).
func seeOther(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}
