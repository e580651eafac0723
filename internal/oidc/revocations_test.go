package oidc

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// told is what the feed says to a resource.
func (w *world) told(client, query string) (status int, cursor string, entries []identity.Revocation, raw string) {
	w.Helper()
	secret := map[string]string{"api": "api secret", "other": "other secret", "web": webSecret}[client]
	rec := w.browser().get(RevocationsPath+query, "Authorization", basic(client, secret))
	var body feedBody
	if rec.Code == http.StatusOK {
		w.must(json.Unmarshal(rec.Body.Bytes(), &body))
	}
	return rec.Code, body.Cursor, body.Entries, rec.Body.String()
}

func (w *world) endSession(a answer) {
	w.Helper()
	w.update(func(tx identity.Tx) error {
		s, err := tx.Sessions.ByID(w.Context(), a.access(w)["sid"].(string))
		if err != nil {
			return err
		}
		return w.engine.EndSession(w.Context(), tx, s, "revoked")
	})
}

// TestC36_AResourceIsToldOfItsTokens: at once, by cursor, again for a while, and
// never of tokens for others.
func TestC36_AResourceIsToldOfItsTokens(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("web", "ada") // whose tokens are for one API only
	_, start, none, _ := w.told("api", "")
	if len(none) != 0 || start == "" {
		t.Fatalf("before anything: %q %v", start, none)
	}
	w.endSession(a)
	for name, query := range map[string]string{"all": "", "by cursor": "?since=" + start, "by a cursor that is nobody's": "?since=xyz", "ahead of all": "?since=99.1772366400"} {
		status, _, got, raw := w.told("api", query)
		if status != 200 || len(got) != 1 || got[0].Kind != identity.RevokedSession || got[0].Session != a.access(t)["sid"] {
			t.Fatalf("%s: %d %s", name, status, raw)
		}
		if got[0].User != "" || strings.Contains(raw, "audiences") || strings.Contains(raw, w.users["ada"].ID) {
			t.Errorf("%s: it says whose session it was: %s", name, raw)
		}
		if got[0].Before != w.now().Truncate(time.Microsecond) || got[0].Until.Before(unix(a.access(t)["exp"])) {
			t.Errorf("%s: from %s until %s", name, got[0].Before, got[0].Until)
		}
	}
	if _, _, got, _ := w.told("other", ""); len(got) != 0 {
		t.Errorf("another resource is told: %v", got)
	}
	_, cursor, _, _ := w.told("api", "")
	if _, _, again, _ := w.told("api", "?wait=0&since="+cursor); len(again) != 1 {
		t.Errorf("a moment later it is not repeated: %v", again)
	}
	w.pass(feedRepeat + time.Second)
	if _, _, again, _ := w.told("api", "?wait=0&since="+cursor); len(again) != 0 {
		t.Errorf("later it is: %v", again)
	}
	if _, _, all, _ := w.told("api", ""); len(all) != 1 {
		t.Errorf("who starts anew is told all: %v", all)
	}
	w.pass(11 * time.Minute)
	if _, _, all, _ := w.told("api", ""); len(all) != 0 {
		t.Errorf("no such token lives: %v", all)
	}
	w.pass(time.Hour)
	if status, _, _, raw := w.told("api", "?wait=0&since="+cursor); status != http.StatusGone {
		t.Errorf("an old cursor: %d %s", status, raw)
	}
}

// Every way to take tokens back goes through the feed.
func TestC36_EveryWayIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world, a answer)
		kind string
	}{
		"a refresh token used twice": {func(w *world, a answer) {
			w.refresh("spa", a.text("refresh_token"))
			w.pass(time.Minute)
			w.refresh("spa", a.text("refresh_token")).want(w, 400, "invalid_grant")
		}, identity.RevokedSession},
		"the application revokes": {func(w *world, a answer) {
			w.post(RevokePath, "spa", map[string][]string{"token": {a.text("refresh_token")}})
		}, identity.RevokedGrant},
		"the user is disabled": {func(w *world, a answer) {
			w.update(func(tx identity.Tx) error {
				u, err := tx.Users.ByID(w.Context(), w.users["ada"].ID)
				if err != nil {
					return err
				}
				return w.engine.EndUser(w.Context(), tx, u, "user_disabled")
			})
		}, identity.RevokedSession},
		"the person signs out": {func(w *world, a answer) { w.endSession(a) }, identity.RevokedSession},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.signIn("spa", "ada")
			c.do(w, a)
			_, _, got, raw := w.told("api", "")
			if len(got) != 1 || got[0].Kind != c.kind || got[0].Session != a.access(t)["sid"] || (c.kind == identity.RevokedGrant) != (got[0].ClientID == "spa") {
				t.Errorf("%s", raw)
			}
		})
	}
}

func TestC36_OnlyResourcesThatAuthenticate(t *testing.T) {
	w := newWorld(t)
	for name, headers := range map[string][]string{
		"nobody": nil, "a wrong secret": {"Authorization", basic("api", "wrong")}, "a public client": {"Authorization", basic("spa", "")}, "a bearer": {"Authorization", "Bearer x"},
	} {
		if rec := w.browser().get(RevocationsPath, headers...); rec.Code != http.StatusUnauthorized || strings.Contains(rec.Body.String(), "cursor") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec := w.browser().get(RevocationsPath, "Authorization", basic("api", "api secret"), "Origin", "https://evil.example"); rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("scripts of other origins may read it")
	}
}

// TestC36_NewsArrives: a reader that waits, and a stream, are told what happens
// after they asked.
func TestC36_NewsArrives(t *testing.T) {
	w := newWorld(t)
	// The deadline of a write is the clock's: a stream needs one of today.
	w.pass(time.Until(w.now()).Abs())
	a, _ := w.signIn("spa", "ada")
	b, _ := w.signIn("spa", "grace")
	_, cursor, _, _ := w.told("api", "")
	done := make(chan []identity.Revocation)
	go func() {
		_, _, got, _ := w.told("api", "?since="+cursor)
		done <- got
	}()
	server := httptest.NewServer(w.handler)
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+RevocationsPath, nil)
	w.must(err)
	r.Host = "a.example"
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", basic("api", "api secret"))
	stream, err := server.Client().Do(r)
	w.must(err)
	defer stream.Body.Close()
	if kind := stream.Header.Get("Content-Type"); stream.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatal(stream.StatusCode, kind)
	}
	lines := bufio.NewScanner(stream.Body)
	next := func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				return rest
			}
		}
		t.Fatal("the stream ended", lines.Err())
		return ""
	}
	if id := next("id: "); id == "" {
		t.Error("no id")
	}
	if first := next("data: "); !strings.Contains(first, `"entries":[]`) {
		t.Errorf("first: %s", first)
	}
	w.endSession(a)
	if got := <-done; len(got) != 1 || got[0].Session != a.access(t)["sid"] {
		t.Errorf("who waited was told %v", got)
	}
	if got := next("data: "); !strings.Contains(got, a.access(t)["sid"].(string)) {
		t.Errorf("the stream told %s", got)
	}
	next(":") // it lives
	w.endSession(b)
	if got := next("data: "); !strings.Contains(got, b.access(t)["sid"].(string)) {
		t.Errorf("the stream told %s", got)
	}
}
