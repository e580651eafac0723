package intelliauth

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// soon waits until something holds: news come by another goroutine.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it never came to be that %s", what)
}

// TestC36_WhatWasTakenBackIsRefused: by session, grant, user, application, level
// and key, each no further than it reaches.
func TestC36_WhatWasTakenBackIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		entry   entry
		spared  map[string]any // another token, from before
		renewed bool           // a token from after is good
	}{
		"a session":      {entry{Kind: "session", Session: "ses_1"}, map[string]any{"sid": "ses_2"}, false},
		"a grant":        {entry{Kind: "grant", Session: "ses_1", ClientID: "spa"}, map[string]any{"client_id": "other"}, true},
		"a user":         {entry{Kind: "user", Subject: "usr_1"}, map[string]any{"sub": "usr_2"}, true},
		"an application": {entry{Kind: "client", ClientID: "spa"}, map[string]any{"client_id": "other"}, true},
		"a level":        {entry{Kind: "level", Session: "ses_1"}, map[string]any{"sid": "ses_2"}, true},
		"a key":          {entry{Kind: "key", Key: "k1"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			v := i.verifier(followed())
			h := v.Authenticate(ok())
			mine, spared := "Bearer "+i.token(nil), "Bearer "+i.token(c.spared)
			if rec := call(h, "Authorization", mine); rec.Code != 200 {
				t.Fatal(rec.Code, rec.Body)
			}
			i.revoke(c.entry)
			soon(t, "the token is refused", func() bool { return call(h, "Authorization", mine).Code == 401 })
			rec := call(h, "Authorization", mine)
			if !strings.Contains(rec.Body.String(), CodeRevoked) || !strings.Contains(rec.Header().Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s %q", rec.Body, rec.Header().Get("WWW-Authenticate"))
			}
			if c.spared != nil {
				if rec := call(h, "Authorization", spared); rec.Code != 200 {
					t.Errorf("another's token is refused: %d %s", rec.Code, rec.Body)
				}
			}
			i.pass(2 * time.Second)
			if rec := call(h, "Authorization", "Bearer "+i.token(nil)); (rec.Code == 200) != c.renewed {
				t.Errorf("a token from after: %d", rec.Code)
			}
		})
	}
}

// What was revoked before the start is known at the first request.
func TestC36_TheStartKnowsWhatWasRevoked(t *testing.T) {
	i := newIssuer(t)
	i.revoke(entry{Kind: "session", Session: "ses_1"})
	v := i.verifier(followed())
	if rec := call(v.Authenticate(ok()), "Authorization", "Bearer "+i.token(nil)); rec.Code != 401 {
		t.Errorf("%d", rec.Code)
	}
	if _, err := NewVerifier(context.Background(), testIssuer, testAudience, WithClient(&http.Client{Transport: i}), WithRevocations("api", "wrong")); err == nil {
		t.Error("it starts with a wrong secret")
	}
}

// TestC36_Silence: what cannot be told is not believed, by the mode that was
// chosen; and when the feed speaks again it catches up.
func TestC36_Silence(t *testing.T) {
	for name, c := range map[string]struct {
		mode         StaleMode
		weak, strong int
	}{"the default": {RefuseStrong, 200, 503}, "all": {RefuseAll, 503, 503}, "none": {AllowAll, 200, 200}} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			v := i.verifier(followed(), WithStale(c.mode, 10*time.Second))
			h := v.Authenticate(ok())
			strong, weak := "Bearer "+i.token(nil), "Bearer "+i.token(map[string]any{"acr": "aal1", "sid": "ses_9"})
			soon(t, "the stream runs", func() bool { return i.count(feedPath) >= 2 })
			i.mu.Lock()
			i.silent = true
			i.mu.Unlock()
			i.on(feedPath, func(*http.Request) *http.Response { return said(502, "", strings.NewReader("")) })
			soon(t, "aal2 is judged as it should be in silence", func() bool {
				i.pass(10*time.Second + time.Millisecond) // again, where a last word was still on its way
				rec := call(h, "Authorization", strong)
				return rec.Code == c.strong && (c.strong != 503 || rec.Header().Get("Retry-After") != "")
			})
			if rec := call(h, "Authorization", weak); rec.Code != c.weak {
				t.Errorf("aal1 in silence: %d", rec.Code)
			}
			i.mu.Lock()
			delete(i.answers, feedPath)
			i.silent = false
			i.mu.Unlock()
			i.revoke(entry{Kind: "session", Session: "ses_9"})
			soon(t, "it caught up", func() bool {
				return call(h, "Authorization", strong).Code == 200 && call(h, "Authorization", weak).Code == 401
			})
		})
	}
}

// TestC36_AnOldCursor begins anew, and forgets nothing meanwhile.
func TestC36_AnOldCursor(t *testing.T) {
	i := newIssuer(t)
	i.gone = true // for the first stream
	v := i.verifier(followed())
	h := v.Authenticate(ok())
	i.revoke(entry{Kind: "session", Session: "ses_1"})
	mine := "Bearer " + i.token(nil)
	soon(t, "it is refused", func() bool { return call(h, "Authorization", mine).Code == 401 })
}

// What cannot be understood makes us know too little, not enough.
func TestC36_UnknownEntriesAreNotBelieved(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(followed())
	i.revoke(entry{Kind: "galaxy"})
	strong := "Bearer " + i.token(nil)
	soon(t, "aal2 is refused", func() bool { return call(v.Authenticate(ok()), "Authorization", strong).Code == 503 })
}

// Memory is bounded by what can still be alive.
func TestC36_EntriesAreForgotten(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(followed())
	i.revoke(entry{Kind: "session", Session: "ses_1"})
	count := func() int {
		v.feed.mu.RLock()
		defer v.feed.mu.RUnlock()
		return len(v.feed.refused)
	}
	soon(t, "it is kept", func() bool { return count() == 1 })
	i.pass(12 * time.Minute)
	i.mu.Lock()
	i.entries = nil
	i.mu.Unlock()
	i.revoke(entry{Kind: "session", Session: "ses_2"})
	soon(t, "the old one is forgotten", func() bool {
		v.feed.mu.RLock()
		defer v.feed.mu.RUnlock()
		_, old := v.feed.refused["session ses_1"]
		_, young := v.feed.refused["session ses_2"]
		return !old && young
	})
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(`{"cursor":"1.1","entries":[{"kind":"session","sid":"s"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		i := newIssuer(t)
		v := &Verifier{options: options{now: i.now, client: &http.Client{}}}
		fd := newFeed(v)
		var body feedBody
		if readJSON(strings.NewReader(string(raw)), maxFeed, &body) == nil {
			_ = fd.take(body)
		}
		if fd.cursor == "" && len(fd.refused) > 0 {
			t.Error("entries without a cursor")
		}
	})
}
