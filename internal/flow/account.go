package flow

import (
	"cmp"
	"context"
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// accountEvents is how many events an account page shows.
const accountEvents = 30

// Account is what a person sees of their own sign-in.
type Account struct {
	Current
	Enrolments []identity.Enrolment // not the password, not removed ones; suspended ones are marked
	Password   *identity.Enrolment  // nil: none is set
	Codes      int                  // recovery codes left; -1 without any enrolled
	CodesOf    string               // the factor that Codes counts; "" if the tenant has none
	Sessions   []identity.Session   // live ones, this one first
	Grants     []identity.Grant     // live ones
	Events     []identity.Event     // newest first
	Offered    []string             // factors that could be added
	Signals    *factor.Signals      // for the Signal API; nil without passkeys
}

// Account loads the account page of this browser's session, or answers
// identity.ErrNotFound.
func (e *Engine) Account(ctx context.Context, t identity.Tenant, b Browser) (Account, error) {
	current, err := e.Current(ctx, t, b)
	if err != nil {
		return Account{}, err
	}
	base, err := e.start(ctx, t, b)
	if err != nil {
		return Account{}, err
	}
	out := Account{Current: current, Codes: -1}
	err = e.Store.View(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx, r.user = tx, &current.User
		return r.account(&out)
	})
	return out, err
}

func (r *run) account(out *Account) error {
	all, err := r.tx.Enrolments.ByUser(r.ctx, r.user.ID)
	if err != nil {
		return err
	}
	out.Enrolments, r.held = []identity.Enrolment{}, nil
	for _, en := range all {
		if en.RemovedAt != nil {
			continue
		}
		if !en.Suspended {
			r.held = append(r.held, en)
		}
		r.place(out, en)
	}
	for _, f := range r.e.Factors {
		kind := f.Facts()
		if _, counts := f.(factor.Counter); counts && r.allows(kind) && r.highest() >= assurance.AAL2 {
			out.CodesOf = kind.Name
		}
		if !kind.Hidden && !kind.Ticket && r.room(kind) {
			out.Offered = append(out.Offered, kind.Name)
		}
	}
	out.Signals = r.signals()
	if err := r.accountSessions(out); err != nil {
		return err
	}
	if out.Grants, err = r.tx.Grants.ByUser(r.ctx, r.user.ID); err != nil {
		return err
	}
	out.Events, err = r.tx.Events.List(r.ctx, identity.EventFilter{User: r.user.ID, Limit: accountEvents})
	return err
}

// place puts an enrolment where the page shows it.
func (r *run) place(out *Account, en identity.Enrolment) {
	f := r.e.factors[en.Factor]
	if f == nil {
		return
	}
	if c, ok := f.(factor.Counter); ok && !en.Suspended {
		out.Codes = c.Left(en)
	}
	switch {
	case !r.e.kinds[en.Factor].Hidden:
		out.Enrolments = append(out.Enrolments, en)
	case r.e.kinds[en.Factor].Class == assurance.Memorized && !en.Suspended:
		out.Password = &en
	}
}

// signals is what keeps the browser's own list of credentials in step with ours.
func (r *run) signals() *factor.Signals {
	for _, f := range r.e.Factors {
		s, ok := f.(factor.Signaller)
		if !ok {
			continue
		}
		name := f.Facts().Name
		subject := factor.Subject{Tenant: r.tenant, Origins: []string{r.tenant.Issuer}, User: r.user}
		for _, en := range r.held {
			if en.Factor == name {
				subject.Enrolments = append(subject.Enrolments, en)
			}
		}
		signals := s.Signals(subject)
		return &signals
	}
	return nil
}

// accountSessions lists the sessions that are still worth something, this one
// first, then what was used last.
func (r *run) accountSessions(out *Account) error {
	all, err := r.tx.Sessions.ByUser(r.ctx, r.user.ID)
	if err != nil {
		return err
	}
	out.Sessions = slices.DeleteFunc(all, func(s identity.Session) bool {
		return r.e.question(r.policy, s, r.now).Standing(s.Proofs).Level == assurance.None
	})
	slices.SortStableFunc(out.Sessions, func(a, b identity.Session) int {
		if this := out.Session.ID; a.ID == this || b.ID == this {
			return cmp.Compare(boolean(b.ID == this), boolean(a.ID == this))
		}
		return b.Activity.Last.Compare(a.Activity.Last)
	})
	return nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
