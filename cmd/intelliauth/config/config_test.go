package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/policy"
)

const rootKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// outside is a small world: two files and two variables.
func outside() Outside {
	files := map[string]string{
		"/etc/ia/root.key": rootKey + "\n", "/etc/ia/short.key": "AAEC", "/etc/ia/empty.key": "\n",
		"/etc/ia/logo.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "/etc/ia/logo.gif": "GIF89a",
		"/etc/ia/big.svg": "<svg>" + strings.Repeat(" ", 70<<10), "/etc/ia/cert.pem": "c", "/etc/ia/key.pem": "k",
		"/etc/ia/keys.json":    `{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}`,
		"/etc/ia/private.json": `{"keys":[{"kty":"EC","d":"x"}]}`,
		"/etc/ia/ca.pem":       certificate, "/etc/ia/blob.jwt": "aaa.bbb.ccc\n", "/etc/ia/sms.secret": strings.Repeat("s", 32) + "\n",
	}
	env := map[string]string{"DB_PASSWORD": "hunter2-hunter2", "EMPTY": "", "KEY": base64.StdEncoding.EncodeToString(make([]byte, 32))}
	return Outside{
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Read: func(path string) ([]byte, error) {
			if s, ok := files[path]; ok {
				return []byte(s), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
	}
}

func parse(text string) (*Config, error) {
	return Parse("/etc/ia/intelliauth.yaml", []byte(text), outside())
}

// whole puts lines of a tenant and of its application into a good file. The
// tenant's lines begin on line 5, the application's on line 4 + their number.
func whole(tenant, app string) string {
	text := "root_keys: [\"file:root.key\"]\ntenants:\n  - id: main\n    issuer: https://login.example.com\n"
	for line := range strings.Lines(tenant) {
		text += "    " + line
	}
	if app == "" {
		return text
	}
	text += "    applications:\n      - id: web\n"
	for line := range strings.Lines(app) {
		text += "        " + line
	}
	return text
}

const someMail = "mail: {host: smtp.example.com, from: no-reply@example.com}\n"

const spa = "redirect_uris: [https://app.example.com/callback]\n"

// TestC44_EveryProblemHasItsLine is the table of refusals: each file has one
// thing wrong, and must be refused with that line and those words.
func TestC44_EveryProblemHasItsLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		line int
		want string
	}{
		"unknown key":              {"root_keys: [\"file:root.key\"]\nlissten: x\n", 2, "lissten: is no known key: did you mean listen?"},
		"unknown nested key":       {whole("policy:\n  mfa: always\n  steps: []\n", ""), 7, "tenants[0].policy.steps: is no known key"},
		"key of an application":    {whole("", spa+"redirect_url: x\n"), 8, "redirect_url: is no known key"},
		"duplicate key":            {"root_keys: [\"file:root.key\"]\nlisten: :1\nlisten: :2\n", 3, "is given twice (first on line 2)"},
		"no YAML":                  {"root_keys: [\"file:root.key\"]\nlisten: [\n", 0, "is no YAML"},
		"empty":                    {"", 0, "is empty"},
		"two documents":            {"root_keys: [\"file:root.key\"]\n---\nlisten: :1\n", 2, "second document"},
		"empty value":              {"root_keys: [\"file:root.key\"]\nlisten:\n", 2, "is empty"},
		"text for a list":          {"root_keys: \"file:root.key\"\n", 1, "wants a list"},
		"list for text":            {"root_keys: [\"file:root.key\"]\nlisten: [a]\n", 2, "wants a single value, not a list"},
		"number for text":          {whole("name: 7\n", ""), 5, "put quotes around it"},
		"word for truth":           {whole("", spa+"first_party: maybe\n"), 8, "wants true or false"},
		"key for a block":          {"root_keys: [\"file:root.key\"]\nlog: text\n", 2, "wants keys and values, not a single value"},
		"no root key":              {"listen: :8080\n", 0, "root_keys: is missing"},
		"empty root keys":          {"listen: :8080\nroot_keys: []\n", 2, "root_keys: is missing"},
		"root key in the file":     {"root_keys: [" + rootKey + "]\n", 1, "keep it outside"},
		"root key not there":       {"root_keys: [\"file:nowhere.key\"]\n", 1, "/etc/ia/nowhere.key does not exist"},
		"root key too short":       {"root_keys: [\"file:short.key\"]\n", 1, "holds 3 bytes, not 32"},
		"root key empty":           {"root_keys: [\"file:empty.key\"]\n", 1, "empty.key is empty"},
		"root key twice":           {"root_keys:\n  - file:root.key\n  - file:root.key\n", 3, "same key twice"},
		"variable not set":         {"root_keys: [\"${NOWHERE}\"]\n", 1, "NOWHERE is not set"},
		"variable empty":           {"root_keys: [\"${EMPTY}\"]\n", 1, "EMPTY is not set"},
		"variable misspelt":        {"root_keys: [\"file:root.key\"]\ndatabase: postgres://${DB-PASSWORD}@h/d\n", 2, "as ${NAME}"},
		"database":                 {"root_keys: [\"file:root.key\"]\ndatabase: mysql://x\n", 2, "wants sqlite:PATH or postgres://"},
		"sqlite without path":      {"root_keys: [\"file:root.key\"]\ndatabase: \"sqlite:\"\n", 2, "wants a path"},
		"listen":                   {"root_keys: [\"file:root.key\"]\nlisten: localhost\n", 2, "is no address"},
		"admin on public address":  {"root_keys: [\"file:root.key\"]\nlisten: 127.0.0.1:9\nadmin_listen: 127.0.0.1:9\n", 3, "is the public address"},
		"tls without key":          {"root_keys: [\"file:root.key\"]\ntls:\n  cert: cert.pem\n", 3, "tls.key: is missing"},
		"tls file missing":         {"root_keys: [\"file:root.key\"]\ntls:\n  cert: cert.pem\n  key: no.pem\n", 4, "no.pem does not exist"},
		"proxy":                    {"root_keys: [\"file:root.key\"]\ntrusted_proxies: [10.0.0.0/8, all]\n", 2, "trusted_proxies[1]: \"all\" is no address or network"},
		"log level":                {"root_keys: [\"file:root.key\"]\nlog:\n  level: loud\n", 3, "want debug, info, warn or error"},
		"geoip":                    {"root_keys: [\"file:root.key\"]\ngeoip: {lists: {vpn: x}}\n", 2, "geoip.lists.vpn: is no known key"},
		"no issuer":                {"root_keys: [\"file:root.key\"]\ntenants:\n  - id: main\n", 3, "issuer: is missing"},
		"no id":                    {"root_keys: [\"file:root.key\"]\ntenants:\n  - issuer: https://a.example.com\n", 3, "id: is missing"},
		"bad id":                   {"root_keys: [\"file:root.key\"]\ntenants:\n  - id: Main One\n    issuer: https://a.example.com\n", 3, "is no id"},
		"algorithm":                {whole("algorithm: HS256\n", ""), 5, "want ES256, EdDSA or RS256"},
		"colour":                   {whole("branding:\n  accent: blue\n", ""), 6, "is no colour"},
		"support link":             {whole("branding:\n  support_link: javascript:alert(1)\n", ""), 6, "https: or mailto:"},
		"logo kind":                {whole("branding:\n  logo: file:logo.gif\n", ""), 6, "wants an SVG or PNG"},
		"logo size":                {whole("branding:\n  logo: file:big.svg\n", ""), 6, "above the limit of 64 KiB"},
		"unknown mode":             {whole("policy:\n  mfa: sometimes\n", ""), 6, `mfa "sometimes" is unknown`},
		"unknown factor":           {whole("policy:\n  mfa: always\n  factors:\n    - totp\n    - smoke\n", ""), 9, `factor "smoke" is unknown`},
		"unknown level":            {whole("policy:\n  step_up:\n    - {scope: pay, level: aal4}\n", ""), 7, `unknown assurance level "aal4"`},
		"unknown profile":          {whole("policy:\n  assurance: lax\n", ""), 6, "want standard, nist or strict"},
		"negative duration":        {whole("policy:\n  mfa: always\n  enrolment_grace: -5m\n", ""), 7, `duration "-5m" is negative`},
		"no duration":              {whole("policy:\n  access_token: fast\n", ""), 6, "is no duration"},
		"long access token":        {whole("policy:\n  mfa: always\n  access_token: 1h\n", ""), 7, "want 1m to 10m"},
		"negative session":         {whole("policy:\n  sessions:\n    aal2: {idle: -1s}\n", ""), 7, "is negative"},
		"aal3 too long":            {whole("policy:\n  sessions:\n    aal3: {overall: 13h}\n", ""), 7, "may not exceed 12h"},
		"risk":                     {whole("policy:\n  mfa: always\n  risk: {challenge: 0.96}\n", ""), 7, "policy.risk: risk: challenge 0.960 is above deny 0.950"},
		"nist without passkey":     {whole("policy:\n  assurance: nist\n  factors: [totp]\n", ""), 7, "must include passkey"},
		"less than the tenant":     {whole("", spa+"stricter: {mfa: never}\n"), 8, "not be stricter"},
		"a factor not allowed":     {whole("policy: {factors: [passkey]}\n", spa+"stricter: {factors: [totp]}\n"), 9, "not among those"},
		"stricter, unknown key":    {whole("", spa+"stricter: {mfo: always}\n"), 8, "no known key"},
		"a reason without words":   {whole("", spa+"reasons: [{id: pay}]\n"), 8, "1 to 80"},
		"a logout address":         {whole("", spa+"backchannel_logout_uri: com.example.app:/out\n"), 8, "must be https"},
		"a logout address, plain":  {whole("", spa+"backchannel_logout_uri: \"http://app.example/out\"\n"), 8, "plain http"},
		"a reason twice":           {whole("", spa+"reasons: [{id: pay, text: a}, {id: pay, text: b}]\n"), 8, "comes twice"},
		"a reason with a line":     {whole("", spa+"reasons: [{id: pay, text: \"a\\nb\"}]\n"), 8, "printable"},
		"unknown minimum":          {whole("", spa+"min_level: aal9\n"), 8, "unknown assurance level"},
		"public with secret":       {whole("", spa+"auth: none\nsecrets: [a-secret-that-is-long-enough]\n"), 9, "are not used with auth: none"},
		"secret without secrets":   {whole("", spa+"auth: client_secret_post\n"), 8, "needs secrets"},
		"jwt without keys":         {whole("", spa+"auth: private_key_jwt\n"), 8, "needs jwks"},
		"private jwks":             {whole("", spa+"jwks: file:private.json\n"), 8, "key 1 is private"},
		"jwks that are none":       {whole("", spa+"jwks: \"{}\"\n"), 8, "is no JSON Web Key Set"},
		"public pkce_optional":     {whole("", spa+"pkce_optional: true\n"), 8, "a public one needs PKCE always"},
		"unknown grant":            {whole("", spa+"grants: [password]\n"), 8, `"password" is unknown`},
		"code without redirect":    {whole("", "grants: [authorization_code]\n"), 7, "needs redirect_uris"},
		"client grant, public":     {whole("", "grants: [client_credentials]\n"), 7, "is for confidential applications"},
		"refresh alone":            {whole("", "grants: [refresh_token]\n"), 7, "needs authorization_code"},
		"bad scope":                {whole("", spa+"scopes: [openid, \"a b\"]\n"), 8, "is no scope"},
		"scope twice":              {whole("", spa+"scopes: [openid, openid]\n"), 8, "given twice"},
		"audience":                 {whole("", spa+"audience: api\n"), 8, "is no audience"},
		"origin with path":         {whole("", spa+"origins: [https://app.example.com/]\n"), 8, "is no origin"},
		"negative refresh":         {whole("", spa+"refresh_for: -1h\n"), 8, "is negative"},
		"zero refresh":             {whole("", spa+"refresh_for: 0s\n"), 8, "above 0s"},
		"application without id":   {whole("applications:\n  - name: x\n", ""), 6, "is missing: it is the application's client_id"},
		"application id twice":     {whole("applications:\n  - id: x\n  - id: x\n", ""), 7, "is taken by tenants[0].applications[0]"},
		"initiate_login_uri":       {whole("", spa+"initiate_login_uri: http://app.example.com/\n"), 8, "only loopback may be"},
		"post logout with a space": {whole("", spa+"post_logout_uris: [\"https://a.example.com/ x\"]\n"), 8, "is no absolute address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(tc.text)
			refusedAt(t, err, tc.line, tc.want)
		})
	}
}

// refusedAt wants exactly one problem, at a line, with these words.
func refusedAt(t *testing.T, err error, line int, want string) {
	t.Helper()
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("accepted (err %v), want a refusal: %s", err, want)
	}
	ps = ps.Errors()
	if len(ps) != 1 {
		t.Errorf("%d problems, want 1:\n%v", len(ps), err)
	}
	got := ps[0]
	if line != 0 && got.Line != line || !strings.Contains(got.String(), want) {
		t.Errorf("got  %s\nwant line %d and %q", got, line, want)
	}
	if line != 0 && !strings.HasPrefix(got.String(), fmt.Sprintf("intelliauth.yaml:%d: ", line)) {
		t.Errorf("%q does not begin with file and line", got)
	}
}

// TestC32_OneTenantIsOneHost holds what an issuer may be.
func TestC32_OneTenantIsOneHost(t *testing.T) {
	t.Parallel()
	file := func(issuers ...string) string {
		text := "root_keys: [\"file:root.key\"]\ntenants:\n"
		for i, issuer := range issuers {
			text += fmt.Sprintf("  - {id: t%d, issuer: %q}\n", i, issuer)
		}
		return text
	}
	for issuer, want := range map[string]string{
		"http://login.example.com":       "is plain http: only loopback may be",
		"https://login.example.com/":     "ends in a slash",
		"https://login.example.com/main": "has a path",
		"https://login.example.com?x":    "scheme and host only",
		"https://login.example.com#":     "scheme and host only",
		"https://me@login.example.com":   "scheme and host only",
		"https://Login.example.com":      "small letters",
		"https://login.example.com.":     "trailing dot",
		"https://login.example.com:443":  "the scheme's own port",
		"ftp://login.example.com":        "is no address",
		"login.example.com":              "is no address",
		"https://":                       "is no address",
		"http://localhost.example.com":   "is plain http",
		"https://192.0.2.7":              "is an address, to which no passkey can be bound",
	} {
		_, err := parse(file(issuer))
		refusedAt(t, err, 3, want)
	}
	for _, pair := range [][2]string{
		{"https://login.example.com", "https://login.example.com"},
		{"https://login.example.com", "https://login.example.com:8443"},
		{"http://localhost:1", "http://localhost:2"},
	} {
		_, err := parse(file(pair[0], pair[1]))
		refusedAt(t, err, 4, "one tenant is one host, whatever the port")
	}
	_, err := parse(file("https://a.example.com", "http://localhost:8080"))
	refusedAt(t, err, 4, "serve http and https tenants apart")
	for _, good := range [][]string{
		{"https://a.example.com", "https://b.example.com:8443", "https://localhost"},
		{"http://localhost:8080", "http://acme.localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"},
	} {
		if _, err := parse(file(good...)); err != nil {
			t.Errorf("refused good issuers: %v", err)
		}
	}
}

// TestN07_RPIDIsNoPublicSuffix holds SP 800-63B-4, 3.2.5.2.
func TestN07_RPIDIsNoPublicSuffix(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ issuer, rpID, want string }{
		{"https://login.example.com", "com", "is a public suffix"},
		{"https://login.example.co.uk", "co.uk", "is a public suffix"},
		{"https://me.github.io", "github.io", "is a public suffix"},
		{"https://github.io", "", "is a public suffix"},
		{"https://login", "", "is a public suffix"},
		{"https://login.corp", "corp", "is a public suffix"},
		{"https://login.example.com", "ample.com", "neither the issuer's host"},
		{"https://login.example.com", "other.example.com", "neither the issuer's host"},
		{"https://login.example.com", "a.login.example.com", "neither the issuer's host"},
		{"https://login.example.com", "example.com", ""},
		{"https://login.example.com", "login.example.com", ""},
		{"https://login.corp", "", ""},
		{"https://me.github.io", "", ""},
		{"http://localhost:8080", "localhost", ""},
		{"http://acme.localhost:8080", "", ""},
	} {
		text := fmt.Sprintf("root_keys: [\"file:root.key\"]\ntenants:\n  - id: main\n    issuer: %s\n", tc.issuer)
		if tc.rpID != "" {
			text += "    rp_id: " + tc.rpID + "\n"
		}
		c, err := parse(text)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s, rp_id %q: refused: %v", tc.issuer, tc.rpID, err)
			} else if got := c.Declared()[0].Tenant.RPID; got == "" || tc.rpID != "" && got != tc.rpID {
				t.Errorf("%s, rp_id %q: got %q", tc.issuer, tc.rpID, got)
			}
			continue
		}
		refusedAt(t, err, 0, tc.want)
	}
}

// TestA01_RedirectURIs holds what may be registered.
func TestA01_RedirectURIs(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"http://app.example.com/cb":    "is plain http",
		"https://app.example.com/cb#x": "has a fragment",
		"https://*.example.com/cb":     "has a wildcard",
		"https://me@app.example.com/":  "holds a user name",
		"/callback":                    "is no absolute address",
		"//evil.example.com/cb":        "is no absolute address",
		"javascript:alert(1)":          "has a scheme that is not allowed",
		"data:text/html,x":             "has a scheme that is not allowed",
		"myapp:/cb":                    "has a scheme that is not allowed",
		"https:///cb":                  "has no host",
		`https://a.example.com\@evil/`: "is no absolute address",
	} {
		_, err := parse(whole("", fmt.Sprintf("redirect_uris: [%q]\n", uri)))
		refusedAt(t, err, 7, want)
	}
	good := `["https://app.example.com/cb?a=b", "http://localhost:5173/cb", "http://app.localhost/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"]`
	if _, err := parse(whole("", "redirect_uris: "+good+"\n")); err != nil {
		t.Errorf("refused good addresses: %v", err)
	}
}

func TestDefaultsAndMeaning(t *testing.T) {
	t.Parallel()
	c, err := parse(whole("rp_id: example.com\nbranding: {logo: \"file:logo.svg\", accent: \"#2250a8\"}\npolicy:\n  mfa: always\n  step_up: [{scope: pay, level: aal2, max_age: 5m}]\n"+someMail,
		spa+"secrets: [\"${DB_PASSWORD}\", short]\nmin_level: aal2\nfirst_party: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != DefaultListen || c.AdminListen != DefaultAdmin || c.Database.Reveal() != "sqlite:/etc/ia/intelliauth.db" || len(c.Keys) != 1 {
		t.Errorf("defaults: %q %q %q %d keys", c.Listen, c.AdminListen, c.Database.Reveal(), len(c.Keys))
	}
	if len(c.Warnings) != 2 || !strings.Contains(c.Warnings[0].Text, "could be guessed") {
		t.Errorf("short secrets gave warnings %v", c.Warnings)
	}
	d := c.Declared()[0]
	p, err := policy.Parse(d.Tenant.Policy)
	if err != nil || p.MFA != policy.Always || len(p.StepUp) != 1 {
		t.Errorf("policy came out as %+v (%v)", p, err)
	}
	if !strings.HasPrefix(d.Tenant.Branding.Logo, "data:image/svg+xml;base64,") {
		t.Errorf("logo %.40q", d.Tenant.Branding.Logo)
	}
	app, err := d.Seal(0, strings.NewReader(strings.Repeat("salt", 16)))
	if err != nil {
		t.Fatal(err)
	}
	if !app.Secrets[0].Matches("hunter2-hunter2") || app.Secrets[1].Matches("hunter2-hunter2") || app.AuthMethod != "client_secret_basic" {
		t.Errorf("secrets: %+v", app)
	}
	if app.MinLevel != 2 || !app.Allows("refresh_token") || app.Allows("client_credentials") || app.Name != "web" {
		t.Errorf("application: %+v", app)
	}
}

// TestC40_DigestChangesWithTheDeclaration and with nothing else.
func TestC40_DigestChangesWithTheDeclaration(t *testing.T) {
	t.Parallel()
	base := whole("name: A\n", spa+"secrets: [one-secret-of-enough-length]\n")
	digests := func(text string) (tenant, app string) {
		c, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return c.Declared()[0].Tenant.Digest, c.Declared()[0].Applications[0].Digest
	}
	t0, a0 := digests(base)
	if t1, a1 := digests("# a comment\nlisten: :9\n" + base); t1 != t0 || a1 != a0 {
		t.Error("a comment or the server's part changed a digest")
	}
	if t1, a1 := digests(strings.Replace(base, "name: A", "name: B", 1)); t1 == t0 || a1 != a0 {
		t.Error("the tenant's name must change the tenant's digest alone")
	}
	if t1, a1 := digests(strings.Replace(base, "one-secret", "two-secret", 1)); t1 != t0 || a1 == a0 {
		t.Error("a client secret must change the application's digest alone")
	}
}

// TestSecretsCannotBePrinted tries every verb on a configuration that holds some.
func TestSecretsCannotBePrinted(t *testing.T) {
	t.Parallel()
	c, err := parse("database: postgres://u:${DB_PASSWORD}@h/d\n" + whole("", spa+"secrets: [\"${DB_PASSWORD}\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.Database.Reveal(), "hunter2") {
		t.Fatal("the secret was not resolved, so this test shows nothing")
	}
	for _, s := range []Secret{c.Database, c.Tenants[0].Applications[0].Secrets[0]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if out := fmt.Sprintf(verb, s); strings.Contains(out, "hunter2") {
				t.Errorf("%s printed %s", verb, out)
			}
		}
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := parse("listen: x\nroot_keys: [\"file:root.key\"]\nlog: {level: loud}\nfoo: 1\n")
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 3 || ps[0].Line != 1 || ps[1].Line != 3 || ps[2].Line != 4 {
		t.Errorf("want three problems in order of lines, got:\n%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole("policy: {mfa: always}\n", spa))
	f.Add("a: &a [*a]\n")
	f.Add("tenants: [{policy: {factors: [[]]}}]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(text)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v with error %v", c, err)
		}
	})
}

func TestLoadTellsOfAMissingFile(t *testing.T) {
	t.Parallel()
	_, err := Load(t.TempDir()+"/no.yaml", Outside{Env: os.LookupEnv, Read: os.ReadFile})
	if err == nil || !strings.Contains(err.Error(), "intelliauth init") {
		t.Errorf("got %v", err)
	}
}
