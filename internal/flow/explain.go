package flow

import (
	"context"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// Hypothesis is a sign-in that nobody makes: what would be asked?
type Hypothesis struct {
	User    identity.User
	Request Request
	Risk    risk.Band // "" leaves what an unknown browser is assessed as
}

// Explained is what would be asked, and why.
type Explained struct {
	policy.Explanation
	NeedTicket bool // a first factor needs a mailed code beside the password
}

// Explain decides as a sign-in from an unknown browser without a session would
// be decided, and writes nothing. tx may be read-only.
func (e *Engine) Explain(ctx context.Context, tx identity.Tx, t identity.Tenant, h Hypothesis) (Explained, error) {
	r, err := e.start(ctx, t, Browser{})
	if err != nil {
		return Explained{}, err
	}
	r.tx, r.user = tx, &h.User
	if r.flow, err = r.newFlow(h.Request); err != nil {
		return Explained{}, err
	}
	r.flow.User, r.flow.Epoch = h.User.ID, h.User.Epoch
	if err := r.readHeld(h.User.ID); err != nil {
		return Explained{}, err
	}
	var best *policy.Explanation
	for _, a := range r.flow.Alternatives {
		in := r.input(a)
		if h.Risk != "" {
			in.Risk.Band = h.Risk
		}
		x := policy.Explain(in)
		if best == nil || preference(x.Decision) < preference(best.Decision) {
			best = &x
		}
	}
	return Explained{Explanation: *best, NeedTicket: best.Decision.Enrol && r.needTicket()}, nil
}

// preference orders decisions as decide takes them: what is held, then by enrolling.
func preference(d policy.Decision) int {
	switch {
	case d.Denied:
		return 2
	case d.Enrol:
		return 1
	}
	return 0
}
