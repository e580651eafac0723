package token

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
)

// The example of OpenID Connect Core, A.3 and A.4: this access token has this
// at_hash.
func TestAtHash_CoreExample(t *testing.T) {
	if got := AtHash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("RS256: %s", got)
	}
	if got := AtHash("ES256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("ES256: %s", got)
	}
	if got := AtHash("EdDSA", "x"); len(got) != 43 {
		t.Errorf("EdDSA: %s is not half of SHA-512", got)
	}
}

func TestIDExtraClaimsNeverReplaceOurs(t *testing.T) {
	out, err := encode(ID{
		Issuer: "https://one.example.com", Subject: "usr_1", Audience: "app",
		Extra: map[string]any{
			"email": "a@example.com", "email_verified": true, "name": `"},{`, "sub": "usr_2", "acr": "aal3", "amr": []string{"hwk"},
			"exp": 1 << 40, "nonce": "n", "cnf": map[string]any{"jkt": "x"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(out), `"sub"`) != 1 {
		t.Errorf("sub twice: %s", out)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if got["sub"] != "usr_1" || got["acr"] != nil || got["amr"] != nil || got["nonce"] != nil || got["cnf"] != nil || got["exp"] != 0.0 {
		t.Errorf("extra claims got in: %s", out)
	}
	if got["email"] != "a@example.com" || got["email_verified"] != true || got["name"] != `"},{` {
		t.Errorf("extra claims are missing: %s", out)
	}
	if _, err := encode(ID{Extra: map[string]any{"bad": func() {}}}); err == nil {
		t.Error("what cannot be encoded was left out in silence")
	}
}

func TestGrantOf(t *testing.T) {
	if grant, ok := GrantOf(UserJTI("grt_1", rand.Reader)); !ok || grant != "grt_1" {
		t.Errorf("user token: %q, %v", grant, ok)
	}
	if a, b := UserJTI("grt_1", rand.Reader), UserJTI("grt_1", rand.Reader); a == b {
		t.Error("two tokens share an id")
	}
	for _, jti := range []string{ClientJTI(rand.Reader), "", ".", "grt_1", "grt_1.", ".x", "cc.grt_1"} {
		if grant, ok := GrantOf(jti); ok {
			t.Errorf("%q names grant %q", jti, grant)
		}
	}
}
