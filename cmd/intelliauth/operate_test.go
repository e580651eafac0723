package main

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// TestUserAdd holds the ways in which a password comes, and which are refused.
func TestUserAdd(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	must(t, "migrate", "--config", config)
	if code, _, said := runWith(t, "x", "user", "add", "bo@example.com", "--password-stdin", "--config", config); code != exitFailed || !strings.Contains(said, "there is no tenant yet") {
		t.Errorf("before the first start: exit %d\n%s", code, said)
	}
	b, _, _ := served(t, "--config", config)
	b.end()
	add := func(stdin string, args ...string) (int, string, string) {
		return runWith(t, stdin, append([]string{"user", "add", "--config", config}, args...)...)
	}
	if code, _, said := add("", "bo@example.com"); code != exitWrong || !strings.Contains(said, "--password-stdin") {
		t.Errorf("without a terminal: exit %d\n%s", code, said)
	}
	for bad, why := range map[string]string{
		"":                         "",
		"short":                    "15",
		"password":                 "15",
		"passwordpassword":         "",
		"bo@example.com-bo":        "",
		"qwertyuiopasdfghjkl":      "",
		"aaaaaaaaaaaaaaaaaaaaaaaa": "",
	} {
		code, _, said := add(bad+"\n", "bo@example.com", "--password-stdin")
		if code != exitFailed || !strings.Contains(said, "this password cannot be taken: ") || !strings.Contains(said, why) {
			t.Errorf("password %q: exit %d\n%s", bad, code, said)
		}
		if bad != "" && strings.Contains(said, bad) && bad != "password" && bad != "short" {
			t.Errorf("the refusal repeats the password: %s", said)
		}
	}
	code, out, said := add("a grey heron by the mill\r\n", "Bo@Example.com", "--password-stdin", "--name", "Bo", "--email-verified")
	if code != exitDone || !strings.Contains(out, "Added Bo@Example.com as usr_") {
		t.Fatalf("exit %d\n%s%s", code, out, said)
	}
	if code, _, said := add("another grey heron here\n", "BO@example.com", "--password-stdin"); code != exitFailed || !strings.Contains(said, "is in use") {
		t.Errorf("the same address again: exit %d\n%s", code, said)
	}
	list := jsonLines[map[string]any](t, must(t, "user", "list", "--json", "--config", config))
	if len(list) != 1 || list[0]["email"] != "Bo@Example.com" || list[0]["emailVerified"] != true || list[0]["name"] != "Bo" {
		t.Errorf("list: %v", list)
	}
	if out := must(t, "user", "list", "--config", config); !strings.Contains(out, "Bo@Example.com") || !strings.HasPrefix(out, "ID ") {
		t.Errorf("list: %s", out)
	}
	created := ofType(jsonLines[identity.Event](t, must(t, "events", "--json", "--config", config)), identity.EventUserCreated)
	if len(created) != 1 || created[0].Actor != "operator" || created[0].User != list[0]["id"] {
		t.Errorf("events: %+v", created)
	}
}

// TestUserAddOnATerminal asks twice and never shows what is typed.
func TestUserAddOnATerminal(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	b, _, _ := served(t, "--migrate", "--config", config)
	b.end()
	for _, tc := range []struct {
		typed []string
		code  int
		says  string
	}{
		{[]string{"a grey heron by the mill", "a grey heron by the hill"}, exitFailed, "differ"},
		{[]string{"a grey heron by the mill", "a grey heron by the mill"}, exitDone, "Added"},
	} {
		m, out, said := command("")
		m.Conceal = func(string) (string, error) {
			if len(tc.typed) == 0 {
				return "", errors.New("asked too often")
			}
			next := tc.typed[0]
			tc.typed = tc.typed[1:]
			return next, nil
		}
		code := m.Run(t.Context(), []string{"user", "add", "bo@example.com", "--config", config})
		if code != tc.code || !strings.Contains(out.String()+said.String(), tc.says) || strings.Contains(out.String()+said.String(), "heron") {
			t.Errorf("exit %d\n%s%s", code, out, said)
		}
	}
}

// TestOperations runs what an operator does to people who are signed in, and
// finds each of it in the audit log.
func TestOperations(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	at := []string{"--data", w.data, "--tenant", "demo"}
	cmd := func(args ...string) string { t.Helper(); return must(t, append(args, at...)...) }
	ada := newVisitor(t, w.Issuer, nil)
	_, got := ada.password(nil)

	sessions := jsonLines[map[string]any](t, cmd("session", "list", "ada@example.com", "--json"))
	if len(sessions) != 1 || sessions[0]["level"] != 1.0 || sessions[0]["id"] != claims(t, got.ID)["sid"] {
		t.Fatalf("sessions: %v", sessions)
	}
	if out := cmd("session", "list", "ada@example.com"); !strings.Contains(out, "aal1") {
		t.Errorf("session list: %s", out)
	}
	if out := cmd("session", "list", "grace@example.com"); !strings.Contains(out, "signed in nowhere") {
		t.Errorf("session list: %s", out)
	}
	if out := cmd("session", "revoke", sessions[0]["id"].(string)); out != "Ended 1 session.\n" {
		t.Errorf("session revoke: %s", out)
	}
	refused := func(what string) {
		t.Helper()
		answer, _ := ada.do("POST", w.Issuer+"/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"demo-web"}, "client_secret": {"demo-web-secret"}})
		if answer.StatusCode != 400 && answer.StatusCode != 401 {
			t.Errorf("%s: refresh answers %d", what, answer.StatusCode)
		}
		if s := ada.begin(nil); s.view.Redirect != "" {
			t.Errorf("%s: nobody was asked: %s", what, s.view.Redirect)
		}
	}
	refused("a revoked session")
	if code, _, said := run(t, append([]string{"session", "revoke", "ses_nothing"}, at...)...); code != exitFailed || !strings.Contains(said, "session list") {
		t.Errorf("an unknown session: exit %d\n%s", code, said)
	}

	ada.password(nil)
	if out := cmd("session", "revoke", "--user", "ada@example.com"); out != "Ended 1 session.\n" {
		t.Errorf("session revoke --user: %s", out)
	}
	_, got = ada.password(nil)
	if out := cmd("user", "disable", "ada@example.com"); !strings.Contains(out, "signed out everywhere") {
		t.Errorf("user disable: %s", out)
	}
	refused("a disabled user")
	if out := cmd("user", "disable", "ada@example.com"); !strings.Contains(out, "already") {
		t.Errorf("user disable again: %s", out)
	}
	s := ada.begin(nil)
	ada.answer(s, "ada@example.com")
	ada.answer(s, "analytical-engine-1843")
	if s.view.Step != "denied" || strings.Contains(s.view.Redirect, "code=") {
		t.Errorf("a disabled user signs in: %+v", s.view)
	}
	cmd("user", "enable", "ada@example.com")
	ada.password(nil)

	before := keysOf(t, ada, w.Issuer)
	if out := cmd("key", "rotate"); !strings.Contains(out, "new ES256 key") {
		t.Errorf("key rotate: %s", out)
	}
	ada.json("POST", w.Issuer+"/dev/clock", map[string]string{"advance": "2s"}, 200, nil) // a node polls each second
	if after := keysOf(t, ada, w.Issuer); after != before+1 {
		t.Errorf("%d keys published, then %d", before, after)
	}

	kinds := map[string]bool{}
	for _, e := range jsonLines[identity.Event](t, cmd("events", "--json")) {
		if e.Actor == "operator" || strings.HasPrefix(strings.Join(e.Reasons, ""), "operator") {
			kinds[e.Type] = true
		}
	}
	for _, want := range []string{identity.EventUserDisabled, identity.EventUserEnabled, identity.EventSessionEnded} {
		if !kinds[want] {
			t.Errorf("no event %s by the operator: %v", want, kinds)
		}
	}
}

func keysOf(t *testing.T, v *visitor, issuer string) int {
	t.Helper()
	var set struct{ Keys []map[string]any }
	v.json("GET", issuer+"/oauth2/jwks", nil, 200, &set)
	return len(set.Keys)
}

// TestEvents holds filters, order and form.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Issuer, nil)
	s := v.begin(nil)
	v.answer(s, "ada@example.com")
	v.answer(s, "not her password at all")
	v.answer(s, "analytical-engine-1843")
	v.redeem(s)
	at := []string{"events", "--data", w.data, "--tenant", "demo"}
	all := jsonLines[identity.Event](t, must(t, append(at, "--json")...))
	for i := 1; i < len(all); i++ {
		if all[i].At.Before(all[i-1].At) {
			t.Errorf("event %d is older than the one before", i)
		}
	}
	for _, want := range []string{identity.EventSignIn, identity.EventFactorFailed, identity.EventSessionOpened, identity.EventConfigApplied} {
		if len(ofType(all, want)) == 0 {
			t.Errorf("no event %s", want)
		}
	}
	user := ofType(all, identity.EventSignIn)[0].User
	for _, ref := range []string{user, "ADA@example.com"} {
		hers := jsonLines[identity.Event](t, must(t, append(at, "--json", "--user", ref)...))
		if len(hers) == 0 || len(hers) >= len(all) {
			t.Errorf("--user %s: %d of %d", ref, len(hers), len(all))
		}
		for _, e := range hers {
			if e.User != user {
				t.Errorf("--user %s shows %+v", ref, e)
			}
		}
	}
	if out := must(t, append(at, "--since", "1h")...); strings.Count(out, "\n") != len(all) {
		t.Errorf("--since 1h shows %d lines, want %d", strings.Count(out, "\n"), len(all))
	}
	if out := must(t, append(at, "--since", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))...); out != "" {
		t.Errorf("--since the future: %s", out)
	}
	if out := must(t, append(at, "--limit", "2")...); strings.Count(out, "\n") != 2 || !strings.Contains(out, all[len(all)-1].Type) {
		t.Errorf("--limit 2: %s", out)
	}
	if code, _, said := run(t, append(at, "--user", "nobody@example.com")...); code != exitFailed || !strings.Contains(said, "user list") {
		t.Errorf("an unknown user: exit %d\n%s", code, said)
	}
	if code, _, said := run(t, "events", "--data", w.data); code != exitWrong || !strings.Contains(said, "acme, demo") {
		t.Errorf("without a tenant: exit %d\n%s", code, said)
	}
	follow := start(t, append(at, "--json", "--follow", "--since", "1h")...)
	follow.wrote(follow.stdout, identity.EventSessionOpened)
	newVisitor(t, w.Issuer, nil).password(nil)
	follow.wrote(follow.stdout, `(?s)`+identity.EventSessionOpened+`.*`+identity.EventSessionOpened)
	if code := follow.end(); code != exitDone {
		t.Errorf("--follow: exit %d", code)
	}
	seen := map[string]int{}
	for _, e := range jsonLines[identity.Event](t, follow.stdout.String()) {
		if seen[e.ID]++; seen[e.ID] > 1 {
			t.Errorf("--follow shows %s twice", e.ID)
		}
	}
}

// TestH44_EventsCannotMoveTheCursor writes what a hostile browser calls itself.
func TestH44_EventsCannotMoveTheCursor(t *testing.T) {
	t.Parallel()
	m, out, _ := command("")
	c := &eventsCommand{}
	err := c.print(m, identity.Event{Type: "signin.completed", UserAgent: "a\r\nforged\x1b[2J\u202eb\u009b1m", Reasons: []string{"x y"}})
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile("[\r\x1b\u202e\u009b]").MatchString(out.String()) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q", out.String())
	}
}

func TestBackupOpens(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	newVisitor(t, w.Issuer, nil).password(nil)
	copied := filepath.Join(t.TempDir(), "intelliauth.db")
	if out := must(t, "backup", copied, "--data", w.data); !strings.Contains(out, "root keys") {
		t.Errorf("backup: %s", out)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	if code, _, said := run(t, "backup", copied, "--data", w.data); code != exitFailed || !strings.Contains(said, "exists already") {
		t.Errorf("over an old one: exit %d\n%s", code, said)
	}
	w.end()
	key, err := os.ReadFile(filepath.Join(w.data, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(copied), "root.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	out := must(t, "events", "--json", "--data", filepath.Dir(copied), "--tenant", "demo")
	if len(ofType(jsonLines[identity.Event](t, out), identity.EventSignIn)) != 1 {
		t.Errorf("the copy lacks the sign-in:\n%s", out)
	}
}

func TestRootKeyRotates(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	b, _, _ := served(t, "--migrate", "--config", config)
	b.end()
	m, _, _ := command("")
	if err := m.newRootKey(filepath.Join(filepath.Dir(config), "new.key")); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write := func(keys string) {
		if err := os.WriteFile(config, []byte(strings.Replace(string(raw), "  - file:root.key\n", keys, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("  - file:new.key\n")
	if code, _, said := run(t, "doctor", "--config", config); code != exitFailed || !strings.Contains(said+mustFail(t, "doctor", "--config", config), "root_keys") {
		t.Errorf("doctor with the wrong key: exit %d\n%s", code, said)
	}
	write("  - file:new.key\n  - file:root.key\n")
	if out := must(t, "key", "rotate", "--root", "--config", config); !strings.Contains(out, "3 keys are wrapped") {
		t.Errorf("key rotate --root: %s", out)
	}
	write("  - file:new.key\n")
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "All is well") {
		t.Errorf("doctor: %s", out)
	}
}

func mustFail(t *testing.T, args ...string) string {
	t.Helper()
	code, out, said := run(t, args...)
	if code != exitFailed {
		t.Errorf("%v: exit %d", args, code)
	}
	return out + said
}

// TestDoctorFindsWhatIsWrong breaks one thing at a time.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	b, _, _ := served(t, "--migrate", "--config", config)
	b.end()
	folder := filepath.Dir(config)
	if err := os.Chmod(filepath.Join(folder, "root.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "chmod 600") {
		t.Errorf("a root key that others may read: %s", out)
	}

	m, out, _ := command("")
	m.Now = func() time.Time { return time.Now().Add(-48 * time.Hour) }
	if code := m.Run(t.Context(), []string{"doctor", "--config", config}); code != exitFailed || !strings.Contains(out.String(), "set the clock") {
		t.Errorf("a clock two days late: exit %d\n%s", code, out)
	}

	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{"database: sqlite:intelliauth.db", "database: sqlite:no/such/folder/x.db"}:               "cannot be written",
		{"database: sqlite:intelliauth.db", "database: postgres://u:hunter2@127.0.0.1:1/nowhere"}: "cannot be reached",
		{"mfa: optional", "mfa: perhaps"}:                                                         "mend this line",
	} {
		broken := filepath.Join(folder, "broken.yaml")
		if err := os.WriteFile(broken, []byte(strings.Replace(string(raw), change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		said := mustFail(t, "doctor", "--config", broken)
		if !strings.Contains(said, want) || strings.Contains(said, "hunter2") {
			t.Errorf("%s:\n%s", change[1], said)
		}
	}
}

// TestPolicyExplainAndGroups: the same user is asked for more once a group is,
// and the command says by which rule.
func TestPolicyExplainAndGroups(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	const where = "    policy:\n"
	asks := strings.Replace(string(raw), where, where+"      groups: [{group: admins, stricter: {mfa: always, factors: [passkey, totp]}}]\n", 1)
	if asks == string(raw) {
		t.Fatalf("no policy in the made file:\n%s", raw)
	}
	if err := os.WriteFile(config, []byte(asks), 0o600); err != nil {
		t.Fatal(err)
	}
	b, _, _ := served(t, "--config", config, "--migrate")
	b.end()
	if code, out, said := runWith(t, "a grey heron by the mill\n", "user", "add", "bo@example.com", "--password-stdin", "--email-verified", "--config", config); code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, out, said)
	}
	explain := func(args ...string) string {
		t.Helper()
		return must(t, append([]string{"policy", "explain", "--user", "bo@example.com", "--config", config}, args...)...)
	}
	if out := explain(); !strings.Contains(out, "needs    aal1\n") || !strings.Contains(out, "asked for password") {
		t.Errorf("before: %s", out)
	}
	if out := must(t, "user", "groups", "bo@example.com", "--config", config); !strings.Contains(out, "no group") {
		t.Errorf("groups: %s", out)
	}
	must(t, "user", "groups", "bo@example.com", "--set", "staff,admins,staff", "--config", config)
	if out := must(t, "user", "groups", "bo@example.com", "--config", config); !strings.Contains(out, "is in: admins, staff") {
		t.Errorf("groups: %s", out)
	}
	out := explain()
	for _, want := range []string{"needs    aal2, not counting look-up, mailbox, telephone\n", "because  group-policy", "has to be set up first, then passkey, or password and totp\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
	if out := explain("--risk", "high", "--json"); !strings.Contains(out, `"outcome": "denied"`) || !strings.Contains(out, `"risk-high"`) {
		t.Errorf("at high risk: %s", out)
	}
	if code, _, said := run(t, "policy", "explain", "--user", "bo@example.com", "--acr", "gold", "--config", config); code != exitWrong || !strings.Contains(said, "aal1, aal2, aal3, phr") {
		t.Errorf("exit %d %s", code, said)
	}
	if code, _, said := run(t, "policy", "explain", "--user", "bo@example.com", "--application", "nope", "--config", config); code != exitFailed || !strings.Contains(said, "nope") {
		t.Errorf("exit %d %s", code, said)
	}
	must(t, "user", "groups", "bo@example.com", "--clear", "--config", config)
	if out := explain(); strings.Contains(out, "group-policy") {
		t.Errorf("after: %s", out)
	}
}
