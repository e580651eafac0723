package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/deliver"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// toldOf lists what applications are to be told.
func (w *world) toldOf() (out []identity.Message) {
	w.view(func(tx identity.Tx) error {
		all, err := tx.Outbox.List(w.Context(), 100)
		for _, m := range all {
			if m.Channel == identity.ChannelLogout {
				out = append(out, m)
			}
		}
		return err
	})
	return out
}

// TestA36_ApplicationsAreToldOfASessionsEnd: each that asked to be, once, by a
// token that is what Back-Channel Logout 1.0, 2.4, says.
func TestA36_ApplicationsAreToldOfASessionsEnd(t *testing.T) {
	type post struct {
		kind string
		form url.Values
	}
	got := make(chan post, 4)
	status := http.StatusOK
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(raw))
		got <- post{r.Header.Get("Content-Type"), form}
		rw.WriteHeader(status)
	}))
	defer receiver.Close()
	w := newWorld(t)
	for _, id := range []string{"spa", "web"} {
		app := w.app(id)
		app.LogoutURI = receiver.URL + "/" + id
		w.putApp(app)
	}
	w.serve(w.engine)
	a, b := w.signIn("spa", "ada")
	w.redeem("spa", b.code("ada", ask("spa"))) // a second grant of the same application
	w.redeem("web", b.code("ada", ask("web")))
	w.redeem("exempt", b.code("ada", ask("exempt"))) // did not ask to be told
	w.endSession(a)
	told := w.toldOf()
	if len(told) != 2 {
		t.Fatalf("%d messages: %+v", len(told), told)
	}
	s := &deliver.Logout{
		Client: deliver.Guard{Private: true}.Client(), Now: w.now,
		Sign: func(ctx context.Context, tenant identity.Tenant, claims any) (string, error) {
			return w.keys.Sign(ctx, tenant, token.TypLogout, claims)
		},
	}
	w.pass(time.Minute) // it waited: the token is of its try
	for _, m := range told {
		p := deliver.Parcel{ID: m.ID, Tenant: w.tenant, Channel: m.Channel, To: m.To, Args: m.Args}
		if err := s.Send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		sent := <-got
		if sent.kind != "application/x-www-form-urlencoded" || len(sent.form) != 1 {
			t.Errorf("%s %v", sent.kind, sent.form)
		}
		var c map[string]any
		if err := w.keys.Verify(t.Context(), w.tenant, sent.form.Get("logout_token"), token.TypLogout, &c); err != nil {
			t.Fatal(err)
		}
		events, _ := c["events"].(map[string]any)
		event, _ := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
		life := unix(c["exp"]).Sub(unix(c["iat"]))
		if c["iss"] != w.tenant.Issuer || c["aud"] != m.Args["client_id"] || !strings.HasSuffix(m.To, "/"+m.Args["client_id"]) || c["sub"] != w.users["ada"].ID ||
			c["sid"] != a.access(t)["sid"] || c["jti"] != m.ID || c["nonce"] != nil || event == nil || len(event) != 0 || life <= 0 || life > 2*time.Minute || w.now().Sub(unix(c["iat"])) > time.Second {
			raw, _ := json.Marshal(c)
			t.Errorf("the token says %s", raw)
		}
		if _, err := w.keys.VerifyAccess(t.Context(), w.tenant, sent.form.Get("logout_token"), ""); err == nil {
			t.Error("it is an access token, too")
		}
	}
	// What may pass is tried again; what is refused is not; neither stops others.
	for code, final := range map[int]bool{http.StatusBadRequest: true, http.StatusInternalServerError: false, http.StatusFound: false} {
		status = code
		err := s.Send(t.Context(), deliver.Parcel{ID: "msg_1", Tenant: w.tenant, To: told[0].To, Args: told[0].Args})
		<-got
		var f *deliver.Failure
		if !errors.As(err, &f) || f.Refused != final || !f.Works {
			t.Errorf("%d: %+v", code, f)
		}
	}
}

// A session of which no application asked to be told writes nothing, and a
// transaction that is undone tells nobody.
func TestA36_NothingIsToldThatDidNotHappen(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada")
	w.endSession(a)
	if told := w.toldOf(); len(told) != 0 {
		t.Errorf("%+v", told)
	}
	app := w.app("spa")
	app.LogoutURI = "https://app.example/out"
	w.putApp(app)
	b, _ := w.signIn("spa", "grace")
	undone := errors.New("undone")
	err := w.store.Update(t.Context(), w.tenant.ID, func(tx identity.Tx) error {
		s, err := tx.Sessions.ByID(t.Context(), b.access(t)["sid"].(string))
		if err != nil {
			return err
		}
		if err := w.engine.EndSession(t.Context(), tx, s, "x"); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) || len(w.toldOf()) != 0 {
		t.Errorf("%v %v", err, w.toldOf())
	}
	meta := read(t, w.browser().get("/.well-known/openid-configuration"))
	if meta.body["backchannel_logout_supported"] != true || meta.body["backchannel_logout_session_supported"] != true {
		t.Error("the metadata do not say so")
	}
}
