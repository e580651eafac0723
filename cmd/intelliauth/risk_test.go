package main

import (
	"encoding/json"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
)

// TestRiskReplayAndSimulate: sign-ins of the demo world, computed again to the
// byte, and judged by drafts before one holds.
func TestRiskReplayAndSimulate(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	for range 4 { // each in a browser of its own
		newVisitor(t, w.Issuer, nil).password(nil)
	}
	at := []string{"--data", w.data, "--tenant", "demo"}
	out := must(t, append([]string{"risk", "replay", "--all"}, at...)...)
	if !strings.Contains(out, "4 assessments computed again: 4 equal to the byte, 0 differ") || !strings.Contains(out, "had not signed in before") {
		t.Errorf("replay: %s", out)
	}
	draft := func(text string) string {
		path := filepath.Join(t.TempDir(), "draft.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	out = must(t, append([]string{"policy", "simulate", "--policy", draft("policy: {mfa: always, risk: {mode: monitor}}\n")}, at...)...)
	if !strings.Contains(out, "demo-web: passes → enrols, 4 times") || !strings.Contains(out, "enrols, 1 people: ada@example.com") {
		t.Errorf("simulate: %s", out)
	}
	code, _, said := run(t, append([]string{"policy", "simulate", "--policy", draft("mfa: sometimes\n")}, at...)...)
	if code != exitFailed || !strings.Contains(said, `mfa "sometimes" is unknown`) {
		t.Errorf("a bad draft: exit %d %s", code, said)
	}
	code, _, said = run(t, append([]string{"policy", "simulate", "--policy", draft("groups: []\nstep_up: [{scope: openid, level: aal3}]\nfactors: [sms]\n")}, at...)...)
	if code != exitFailed || !strings.Contains(said, "nobody who signed in since 30d could sign in") {
		t.Errorf("a draft that locks everybody out: exit %d %s", code, said)
	}
}

// TestSimulationForetellsAThousandSignIns: over HTTP. What `policy simulate` tells
// of a thousand past sign-ins is what the same thousand meet once the draft holds.
func TestSimulationForetellsAThousandSignIns(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	kinds := []url.Values{nil, {"acr_values": {"aal2"}}, {"scope": {"openid me"}}, {"scope": {"openid email"}}}
	people := []string{"ada@example.com", "grace@example.com"}
	passwords := map[string]string{people[0]: "analytical-engine-1843", people[1]: "compiler-first-1952"}
	thousand := func() map[string]int {
		met := map[string]int{}
		v := newVisitor(t, w.Issuer, nil)
		for i := range 1000 {
			kept, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			v.jar.CookieJar = kept // a browser of its own
			user := people[i%2]
			s := v.begin(kinds[i/2%len(kinds)])
			v.answer(s, user)
			v.answer(s, passwords[user])
			switch step := string(s.view.Step); {
			case step == "done":
				met["passes"]++
			case step == "enrol", len(s.view.Prompts) > 0 && s.view.Prompts[0].Factor == "ticket":
				met["enrols"]++
			default:
				met[step]++
			}
		}
		return met
	}
	thousand()
	const draft = `{"mfa":"optional","step_up":[{"scope":"me","level":"aal2"}],"risk":{"mode":"monitor"}}`
	path := filepath.Join(t.TempDir(), "draft.yaml")
	if err := os.WriteFile(path, []byte(draft), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--data", w.data, "--tenant", "demo"}
	var told simulated
	if err := json.Unmarshal([]byte(must(t, append([]string{"policy", "simulate", "--json", "--policy", path}, at...)...)), &told); err != nil {
		t.Fatal(err)
	}
	apply(t, w.data, draft)
	deadline := time.Now().Add(20 * time.Second)
	for probe := newVisitor(t, w.Issuer, nil); ; {
		s := probe.begin(kinds[2])
		probe.answer(s, people[0])
		probe.answer(s, passwords[people[0]])
		if s.view.Step != "done" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the draft does not take hold")
		}
		probe = newVisitor(t, w.Issuer, nil)
	}
	then := thousand()
	if told.SignIns != 1000 || told.Now["passes"] == told.Then["passes"] || len(then) < 2 {
		t.Fatalf("the draft changes nothing: %+v", told)
	}
	for _, o := range flow.Outcomes() {
		if told.Then[o] != then[string(o)] {
			t.Errorf("%s: %d were foretold, %d met it", o, told.Then[o], then[string(o)])
		}
	}
}

// apply lets a policy hold in the world that runs on the data.
func apply(t *testing.T, data, policy string) {
	t.Helper()
	m, _, _ := command("")
	st, tenant, err := m.tenantOf(t.Context(), inTenant{place: place{Data: data}, Tenant: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	tenant.Policy = json.RawMessage(policy)
	if err := st.PutTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
}
