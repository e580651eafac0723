package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// TestDevIsACompleteWorld signs in, keeps the world over a restart, and signs in
// without being asked again.
func TestDevIsACompleteWorld(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	if w.Demo != strings.Replace(w.Issuer, "localhost", "app.localhost", 1)+"/" || w.Inbox != w.Issuer+"/dev/inbox" ||
		w.Tenants["acme"] != strings.Replace(w.Issuer, "localhost", "acme.localhost", 1) || w.Tenants["demo"] != w.Issuer {
		t.Errorf("addresses: %+v", w)
	}
	v := newVisitor(t, w.Issuer, nil)
	_, got := v.password(nil)
	id := claims(t, got.ID)
	if id["acr"] != "aal1" || id["nonce"] != "nonce-of-the-test" || id["aud"] != "demo-web" {
		t.Errorf("ID token: %v", id)
	}
	access := claims(t, got.Access)
	if access["aud"] != "https://api.demo.example" || access["sub"] != id["sub"] {
		t.Errorf("access token: %v", access)
	}
	if s := v.begin(nil); s.view.Redirect == "" {
		t.Errorf("signed in, and still asked: %+v", s.view)
	}
	if code := w.end(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// TestDevSurvivesARestart also holds that users are not added twice.
func TestDevSurvivesARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := startWorld(t, data)
	_, port, _ := strings.Cut(first.host, ":")
	first.end()
	again := startWorld(t, data, "--listen", "127.0.0.1:"+port)
	newVisitor(t, again.Issuer, nil).password(nil)
	again.end()
	for _, tenant := range []string{"demo", "acme"} {
		out := must(t, "user", "list", "--json", "--data", data, "--tenant", tenant)
		if n := strings.Count(out, "\n"); n != 2 {
			t.Errorf("tenant %s has %d users:\n%s", tenant, n, out)
		}
	}
	users := func() string { return must(t, "user", "list", "--json", "--data", data, "--tenant", "demo") }
	before := users()
	startWorld(t, data, "--fresh").end()
	if users() == before {
		t.Error("--fresh kept the users")
	}
}

// TestDevAcmeWantsASecondFactor holds the second tenant's policy.
func TestDevAcmeWantsASecondFactor(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Tenants["acme"], nil)
	s := v.begin(nil)
	v.answer(s, "grace@example.com")
	v.answer(s, "compiler-first-1952")
	if s.view.Step != flow.Prove || s.view.Prompts[0].Factor != "ticket" {
		t.Fatalf("step %s after the password", s.view.Step)
	}
	v.totp(s)
	id := claims(t, v.redeem(s).ID)
	if id["acr"] != "aal2" || id["iss"] != w.Tenants["acme"] {
		t.Errorf("ID token: %v", id)
	}
}

func TestDevClockMovesTheServer(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Issuer, nil)
	v.password(nil)
	var told struct{ Now, Offset string }
	v.json("GET", w.Issuer+"/dev/clock", nil, 200, &told)
	if told.Offset != "0s" {
		t.Errorf("offset %s", told.Offset)
	}
	v.json("POST", w.Issuer+"/dev/clock", map[string]string{"advance": "721h"}, 200, &told)
	now, err := time.Parse(time.RFC3339Nano, told.Now)
	if ahead := time.Until(now).Round(time.Hour); err != nil || ahead != 721*time.Hour || told.Offset != "721h0m0s" {
		t.Errorf("the clock says %s, offset %s (%v)", told.Now, told.Offset, err)
	}
	// AAL1 is held for 720 hours: the session has decayed to nothing.
	if s := v.begin(nil); s.view.Redirect != "" {
		t.Errorf("after 721 h nobody was asked: %s", s.view.Redirect)
	}
	for _, bad := range []any{map[string]string{"advance": "soon"}, map[string]string{"advance": "99999999h"}, map[string]string{"back": "1h"}} {
		if answer, _ := v.do("POST", w.Issuer+"/dev/clock", bad); answer.StatusCode != 400 {
			t.Errorf("%v: %d", bad, answer.StatusCode)
		}
	}
	w.end()
	again := startWorld(t, w.data)
	newVisitor(t, again.Issuer, nil).json("GET", again.Issuer+"/dev/clock", nil, 200, &told)
	if told.Offset != "721h0m0s" {
		t.Errorf("after a restart the offset is %s", told.Offset)
	}
}

func TestDevInboxShowsWhatWasSent(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Issuer, nil)
	var list []inboxMessage
	v.json("GET", w.Issuer+"/dev/inbox.json", nil, 200, &list)
	if len(list) != 0 {
		t.Errorf("a new inbox holds %d messages", len(list))
	}
	key, err := readRootKey(filepath.Join(w.data, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	m, _, _ := command("")
	st, err := m.openStore(t.Context(), where{dsn: devDatabase(w.data), roots: [][]byte{key}, stamp: stampDev}, false)
	if err != nil {
		t.Fatal(err)
	}
	for i, tenant := range []string{"demo", "acme"} {
		err := st.Update(t.Context(), tenant, func(tx identity.Tx) error {
			return tx.Outbox.Put(t.Context(), identity.Message{
				ID: "msg_" + tenant, Channel: "email", To: "ada@example.com", Kind: "<b>Hello</b>",
				Code: "123456", At: time.Now().Add(time.Duration(i) * time.Second),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sms := identity.Message{
		ID: "msg_sms", Channel: "sms", To: "+4915112345678", Kind: identity.MessageCode, Code: "482913", At: time.Now().Add(-time.Second), Expires: time.Now().Add(time.Hour),
	}
	mail, nobody := sms, sms
	mail.ID, mail.Channel, mail.To, mail.Name, mail.At = "msg_mail", "email", "grace@example.com", "Grace", sms.At.Add(-time.Second)
	nobody.ID, nobody.To, nobody.DeadAt = "msg_nobody", "", &nobody.At
	err = st.Update(t.Context(), "demo", func(tx identity.Tx) error {
		return errors.Join(tx.Outbox.Put(t.Context(), sms), tx.Outbox.Put(t.Context(), mail), tx.Outbox.Put(t.Context(), nobody))
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := func() bool { // the worker takes them over
		left := 2
		err := st.View(t.Context(), "demo", func(tx identity.Tx) error {
			list, err := tx.Outbox.List(t.Context(), 10)
			for _, m := range list {
				if m.SentAt != nil {
					left--
				}
			}
			return err
		})
		return err == nil && left == 0
	}
	waitFor(t, w.background, sent)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	v.json("GET", w.Issuer+"/dev/inbox.json", nil, 200, &list)
	if len(list) != 4 {
		t.Fatalf("inbox: %+v", list)
	}
	if m := list[2]; m.ID != "msg_sms" || m.Subject != "" || !strings.HasSuffix(m.Body, "\n@localhost #482913") || m.Code != "482913" {
		t.Errorf("text message: %+v", m)
	}
	if m := list[3]; m.ID != "msg_mail" || m.Subject != "Your code for signing in to Demo" || !strings.HasPrefix(m.Body, "Hello Grace,\n") || !strings.Contains(m.Body, "482913") {
		t.Errorf("mail: %+v", m)
	}
	if list[0].ID != "msg_acme" || list[1].Code != "123456" || list[1].To != "ada@example.com" {
		t.Errorf("inbox: %+v", list)
	}
	answer, page := v.do("GET", w.Inbox, nil)
	if answer.StatusCode != 200 || !strings.Contains(string(page), "&lt;b&gt;Hello") || strings.Contains(string(page), "<b>Hello") {
		t.Errorf("inbox page: %d %s", answer.StatusCode, page)
	}
}

// TestC42_DevRoutesCheckHostAndSite holds the guard of /dev/.
func TestC42_DevRoutesCheckHostAndSite(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Issuer, nil)
	advance := map[string]string{"advance": "1s"}
	for _, tc := range []struct {
		method string
		body   any
		header []string
		want   int
	}{
		{"GET", nil, nil, 200},
		{"POST", advance, nil, 200},
		{"GET", nil, []string{"Host", "evil.example.com"}, 403},
		{"GET", nil, []string{"Host", "evil.localhost:1"}, 403},
		{"POST", advance, []string{"Host", "evil.example.com"}, 403},
		{"POST", advance, []string{"Origin", "https://evil.example.com"}, 403},
		{"POST", advance, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", advance, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"GET", nil, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		{"GET", nil, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		{"POST", advance, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		{"POST", url.Values{"advance": {"1s"}}, nil, 415},
	} {
		if answer, body := v.do(tc.method, w.Issuer+"/dev/clock", tc.body, tc.header...); answer.StatusCode != tc.want {
			t.Errorf("%s with %v: %d, want %d: %s", tc.method, tc.header, answer.StatusCode, tc.want, body)
		}
	}
	// The demo application's own hosts have no /dev/.
	if answer, _ := v.do("GET", w.app+"/dev/clock", nil); answer.StatusCode != 404 {
		t.Errorf("/dev/clock on the application's host: %d", answer.StatusCode)
	}
}

func TestC42_DevListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0"} {
		code, _, said := run(t, "dev", "--listen", address, "--data", t.TempDir())
		if code != exitWrong || !strings.Contains(said, "is not loopback") {
			t.Errorf("--listen %s: exit %d\n%s", address, code, said)
		}
	}
	for _, address := range []string{"localhost:0", "127.0.0.1:0"} {
		c := devCommand{Listen: address}
		listeners, _, err := c.listen()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range listeners {
			if host := l.Addr().String(); !strings.HasPrefix(host, "127.0.0.1:") && !strings.HasPrefix(host, "[::1]:") {
				t.Errorf("--listen %s opened %s", address, host)
			}
			_ = l.Close()
		}
	}
}

// TestC42_ServeRefusesTheDevDatabase, and dev refuses that of serve.
func TestC42_ServeRefusesTheDevDatabase(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	w.end()
	config := filepath.Join(w.data, "intelliauth.yaml")
	text := "root_keys: [\"file:root.key\"]\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ntenants: [{id: demo, issuer: http://localhost:8080}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := run(t, "serve", "--migrate", "--config", config); code != exitFailed || !strings.Contains(said, "`intelliauth dev`") {
		t.Errorf("serve on the data of dev: exit %d\n%s", code, said)
	}

	made := madeFolder(t, "")
	b, _, _ := served(t, "--migrate", "--config", made)
	b.end()
	if code, _, said := run(t, "dev", "--listen", "127.0.0.1:0", "--data", filepath.Dir(made)); code != exitFailed || !strings.Contains(said, "not made by `intelliauth dev`") {
		t.Errorf("dev on the data of serve: exit %d\n%s", code, said)
	}
}

// TestC42_ServeHasNothingOfDev asks for each of its routes, and reads the source:
// what only dev has is named in dev's own files alone.
func TestC42_ServeHasNothingOfDev(t *testing.T) {
	t.Parallel()
	_, public, admin := served(t, "--migrate", "--config", madeFolder(t, ""))
	for _, path := range []string{"/dev/", "/dev/inbox", "/dev/inbox.json", "/dev/clock", "/dev/static/app.css", "/api/transfer"} {
		for _, method := range []string{"GET", "POST"} {
			if status, _, _ := ask(t, method, public, "localhost:8080", path); status != 404 {
				t.Errorf("%s %s: %d", method, path, status)
			}
			if status, _, _ := ask(t, method, public, "app.localhost:8080", path); status != 404 {
				t.Errorf("%s %s on the application's host: %d", method, path, status)
			}
			if status, _, _ := ask(t, method, admin, "", path); status != 404 {
				t.Errorf("%s %s on the admin listener: %d", method, path, status)
			}
		}
	}
	own := []string{"devRoutes", "devWorld", "demoApp", "newDevClock", "devCertificate", "demo"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || !slices.Contains(own, id.Name) {
				return true
			}
			named++
			if !strings.HasPrefix(file, "dev") {
				t.Errorf("%s names %s", file, id.Name)
			}
			return true
		})
	}
	if named == 0 {
		t.Error("nothing was found, so this test shows nothing")
	}
}

func TestDevTLS(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "", "--tls")
	if !strings.HasPrefix(w.Issuer, "https://localhost:") {
		t.Fatalf("issuer %s", w.Issuer)
	}
	pem, err := os.ReadFile(filepath.Join(w.data, "tls", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(w.data, "tls", "ca-key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v (%v)", info, err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	v := newVisitor(t, w.Issuer, &tls.Config{RootCAs: roots})
	v.password(nil)
	for _, c := range v.jar.Cookies(&url.URL{Scheme: "https", Host: w.host}) {
		if !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("cookie %s has no __Host- prefix", c.Name)
		}
	}
	for _, host := range []string{w.app, w.acmeApp, w.Tenants["acme"]} {
		if answer, _ := v.do("GET", host+"/", nil); answer.StatusCode >= 400 {
			t.Errorf("%s: %d", host, answer.StatusCode)
		}
	}
	w.end()
	// The authority is kept, by --fresh too: it may be trusted by now.
	startWorld(t, w.data, "--tls", "--fresh")
	if again, _ := os.ReadFile(filepath.Join(w.data, "tls", "ca.pem")); string(again) != string(pem) {
		t.Error("a second start made another authority")
	}
}

// TestDevForPeople reads what a newcomer sees first.
func TestDevForPeople(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	b := start(t, "dev", "--listen", "127.0.0.1:0", "--data", data)
	b.wrote(b.stdout, "Stop with Ctrl-C")
	for _, want := range []string{"http://app.localhost:", "ada@example.com", "analytical-engine-1843", "compiler-first-1952", "/dev/inbox", data} {
		if !strings.Contains(b.stdout.String(), want) {
			t.Errorf("%s is missing from\n%s", want, b.stdout)
		}
	}
	if code := b.end(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// TestDevTidiesUpAfterFailure holds that a failed start leaves no port taken.
func TestDevTidiesUpAfterFailure(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "root.key"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := run(t, "dev", "--listen", "127.0.0.1:0", "--data", data); code != exitFailed || !strings.Contains(said, "next:") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if _, err := os.Stat(filepath.Join(data, "intelliauth.db")); err == nil || !isNotExist(err) {
		t.Errorf("a database was made all the same (%v)", err)
	}
}

func isNotExist(err error) bool { return err != nil && (os.IsNotExist(err) || err == fs.ErrNotExist) }
