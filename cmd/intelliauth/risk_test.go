package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
