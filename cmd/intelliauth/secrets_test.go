package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestH43_NothingSecretIsWritten runs sign-ins with everything in them, at the
// most talkative log level, and then looks for each secret in the log, in the
// audit log and in the metrics.
func TestH43_NothingSecretIsWritten(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, `    applications:
      - id: demo-web
        secrets: [demo-web-secret-that-is-long-enough]
        redirect_uris: [http://localhost:9999/callback]
        first_party: true
        scopes: [openid, profile, email, offline_access, me, "me:factors"]
        self_service: true
`)
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(raw, []byte("log: {level: debug}\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	b, public, admin := served(t, "--migrate", "--config", config)
	const password, wrong = "a grey heron by the mill", "a brown heron by the hill"
	if code, _, said := runWith(t, password, "user", "add", "bo@example.com", "--password-stdin", "--config", config); code != exitDone {
		t.Fatal(said)
	}
	_, port, _ := strings.Cut(public, ":")
	v := newVisitor(t, "http://localhost:8080", nil)
	v.reach(port)

	secrets := append([]string{password, wrong, url.QueryEscape(password), url.QueryEscape(wrong)}, v.hostileSignIn(password, wrong)...)
	secrets = append(secrets, v.jar.values...)
	key, err := os.ReadFile(filepath.Join(filepath.Dir(config), "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.TrimSpace(string(key)), "demo-web-secret-that-is-long-enough")

	_, _, metrics := ask(t, "GET", admin, "", "/metrics")
	events := must(t, "events", "--json", "--config", config)
	b.end()
	if n := strings.Count(b.log.String(), "\n"); n < 15 {
		t.Errorf("the log has %d lines only, so this test shows little", n)
	}
	if len(v.jar.values) < 3 || len(secrets) < 20 {
		t.Errorf("%d cookies and %d secrets only", len(v.jar.values), len(secrets))
	}
	for name, text := range map[string]string{"log": b.log.String(), "audit log": events, "metrics": metrics} {
		for _, s := range secrets {
			// A short code may stand by chance in a time or an id; as a word, it may not.
			if len(s) <= 6 && !regexp.MustCompile(`\b`+regexp.QuoteMeta(s)+`\b`).MatchString(text) {
				continue
			}
			if strings.Contains(text, s) {
				t.Errorf("the %s holds the secret %q", name, s)
			}
		}
	}
}

// hostileSignIn signs in with mistakes on the way, enrols, refreshes, asks who it
// is, sends secrets where they do not belong, and returns every secret it met.
func (v *visitor) hostileSignIn(password, wrong string) []string {
	v.t.Helper()
	const basic = "ZGVtby13ZWI6ZGVtby13ZWItc2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2g=" // demo-web and its secret
	v.basic = basic
	s := v.begin(url.Values{"acr_values": {"aal2"}})
	v.answer(s, "bo@example.com")
	v.answer(s, wrong)
	v.answer(s, password)
	v.choose(s, "offer:totp")
	if len(s.secrets) == 0 {
		v.t.Fatalf("no enrolment at step %s", s.view.Step)
	}
	bad := authenticator(v.t, s.secrets[0], time.Now().Add(-time.Hour))
	v.answer(s, bad)
	v.totp(s)
	got := v.redeem(s)
	s.secrets = append(s.secrets, bad, basic)

	var next tokens
	v.json("POST", v.issuer+"/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, 200, &next, "Authorization", "Basic "+basic)
	s.secrets = append(s.secrets, next.Access, next.Refresh)
	v.do("GET", v.issuer+"/oauth2/userinfo", nil, "Authorization", "Bearer "+next.Access)
	v.do("POST", v.issuer+"/oauth2/introspect", url.Values{"token": {next.Access}}, "Authorization", "Basic "+basic)
	v.do("GET", v.issuer+"/api/v1/me", nil, "Authorization", "Bearer "+next.Access)
	// Where they do not belong: in addresses, in names of parameters, twice.
	v.do("GET", v.issuer+"/oauth2/authorize?client_id=demo-web&code="+url.QueryEscape(next.Access), nil)
	v.do("GET", v.issuer+"/flow/"+url.PathEscape(next.Refresh), nil)
	v.do("GET", v.issuer+"/"+url.PathEscape(password), nil)
	v.do("POST", v.issuer+"/oauth2/token", url.Values{"grant_type": {password}, next.Refresh: {"x"}}, "Authorization", "Basic "+basic)
	v.do("POST", v.issuer+"/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {"reused"}}, "Authorization", "Basic "+basic)
	v.do("POST", v.issuer+"/oauth2/revoke", url.Values{"token": {next.Refresh}}, "Authorization", "Basic "+basic)
	return s.secrets
}
