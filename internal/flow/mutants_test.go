package flow

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a guard taken out of the engine.
type mutant struct{ file, old, with, guard string }

func mutants() []mutant {
	return []mutant{
		{"machine.go", `case f.wantsTicket() != "" || (`, `case (`, "a mailed code comes back before a first factor is bound"},
		{"machine.go", "return !slices.ContainsFunc(f.Held, f.seconds)", "return true", "mail alone resets nothing of who holds a second factor"},
		{"happen.go", "if h.Recovered {", "if false {", "a recovery code opens no session"},
		{"machine.go", "case f.User == nil || f.User.Disabled():", "case f.User == nil:", "a disabled user gets nothing"},
		{"post.go", "case step == Denied: // whatever", "case false: // whatever", "a denial is final"},
		{"happen.go", "f.Trial, f.Challenges, f.Chosen = &h.Trial, nil, \"\"\n\treturn f, nil, nil", "f.Trial, f.Challenges, f.Chosen = &h.Trial, nil, \"\"\n\treturn f, []Effect{AddEnrolment{h.Trial.Whole()}}, nil", "a new passkey proves itself first"},
		{"engine.go", "if r.browser.Binding == \"\" || !hmac", "if false && !hmac", "a flow is of the browser that began it"},
		{"engine.go", "r.flow.Proofs, r.flow.Challenges, r.flow.Consented, r.flow.Trial = nil", "_, r.flow.Challenges, r.flow.Consented, r.flow.Trial = r.flow.Proofs", "what changed about a user starts a flow over"},
		{"facts.go", "if r.flow.Manages() || r.session == nil", "if r.session == nil", "an open session's proofs make no change"},
		{"settle.go", "write := outcome.Data != nil || ", "write := false && outcome.Data != nil || ", "what a code used up is written"},
		{"session.go", "Standing(assurance.Intersect(proofs, s.Proofs)), nil", "Standing(s.Proofs), nil", "a grant keeps to its own proofs"},
		{"duty.go", "if !first || policy.Highest(r.policy, r.e.Trust, has) < need {", "if !first || policy.Highest(r.policy, r.e.Trust, has) < need && false {", "the last required factor stays"},
		{"../policy/rule_enrolled.go", "< assurance.AAL2 {", "< 99 {", "enrolled means enforced"},
		{"../policy/rule_stricter.go", "if in.Application.IsZero() {", "if true {", "what an application asks beyond the policy is asked"},
		{"../policy/rule_stricter.go", "if slices.Contains(in.Groups, g.Group) {", "if false && slices.Contains(in.Groups, g.Group) {", "what a group is asked is asked"},
		{"session.go", "return p.MFA != policy.Always || !alone ||", "return true || !alone ||", "a password alone opens nothing where more is asked of everyone"},
		{"../assurance/level.go", "case OneTime:\n\t\treturn AAL2", "case OneTime, LookUp:\n\t\treturn AAL2", "a recovery code raises nothing"},
	}
}

// searches are the tests of which one has to fail. The search's clock stands
// still and what is removed is stripped elsewhere too, so that of what changed
// about a user it sees too little; and its applications ask no more than their
// tenant. These guards have tests of their own.
const searches = "TestEveryReachableState|TestC06ProofsFromBeforeAChangeAreNone|TestStricterApplicationTakesOneFactorAlone|TestGroupIsAskedForMoreEverywhere|TestAdmitsInGrace"

// TestTheSearchBites takes one guard after the other out of the engine; the
// search must find each.
func TestTheSearchBites(t *testing.T) {
	if os.Getenv("INTELLIAUTH_TEST") != "all" || os.Getenv(mutating) != "" {
		return // part of the whole only: each mutant is a build
	}
	for _, m := range mutants() {
		t.Run(m.guard, func(t *testing.T) {
			path, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(source), m.old) != 1 {
				t.Fatalf("%s no longer holds %q once", m.file, m.old)
			}
			folder := t.TempDir()
			broken, overlay := filepath.Join(folder, "broken.go"), filepath.Join(folder, "overlay.json")
			if err := os.WriteFile(broken, []byte(strings.Replace(string(source), m.old, m.with, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(map[string]any{"Replace": map[string]string{path: broken}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			run := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-run", "^("+searches+")$", ".")
			run.Env = append(os.Environ(), mutating+"=1", "CGO_ENABLED=0")
			out, err := run.CombinedOutput()
			switch {
			case err == nil:
				t.Error("the search did not notice")
			case strings.Contains(string(out), "[build failed]"):
				t.Errorf("the mutant does not build:\n%s", out)
			}
		})
	}
}
