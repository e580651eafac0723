package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// openSession is the one session builder. A session of the same user in this
// browser rises: its id stays, its secret rotates, the flow's proofs join.
// Anything else makes a new session and ends what the browser held before.
func (r *run) openSession() (identity.Session, string, error) {
	secret := identity.RandomToken(secretLength, r.e.Random)
	if r.session != nil && r.session.ID == r.flow.Session && r.session.User == r.user.ID {
		s := *r.session
		s.Proofs = r.current(assurance.Union(s.Proofs, r.flow.Proofs))
		s.SecretHash, s.IP = identity.Hash(secret), r.addr()
		s.Activity.Last = r.now // Begin noted what had idled away; a flow is activity
		before := s.Told
		s.Told = r.level(s.Proofs)
		if err := r.tx.Sessions.Save(r.ctx, s); err != nil {
			return identity.Session{}, "", err
		}
		return s, secret, r.record(identity.Event{
			Type: identity.EventSessionRaised, Outcome: identity.Succeeded, Session: s.ID,
			Data: map[string]string{"from": before.String(), "to": s.Told.String()},
		})
	}
	if r.session != nil {
		if err := r.e.EndSession(r.ctx, r.tx, *r.session, "replaced"); err != nil {
			return identity.Session{}, "", err
		}
	}
	s := identity.Session{
		ID: identity.NewID("ses", r.now, r.e.Random), User: r.user.ID, SecretHash: identity.Hash(secret),
		Proofs: r.current(r.flow.Proofs), CreatedAt: r.now, Activity: assurance.Activity{Last: r.now},
		IP: r.addr(), UserAgent: label(r.browser.UserAgent),
	}
	if r.device != nil {
		s.Device = r.device.ID
	}
	s.Told = r.level(s.Proofs)
	if err := r.tx.Sessions.Create(r.ctx, s); err != nil {
		return identity.Session{}, "", err
	}
	return s, secret, r.record(identity.Event{
		Type: identity.EventSessionOpened, Outcome: identity.Succeeded, Session: s.ID, Data: map[string]string{"to": s.Told.String()},
	})
}

// tellDecay notes in a session, and tells by an event, that its level is lower
// than was told before: by age, inactivity, or trust that a key model lost. The
// level itself is computed anew wherever it counts.
func (e *Engine) tellDecay(s *identity.Session, p policy.Policy, now time.Time) (identity.Event, bool) {
	before, level := s.Told, e.question(p, *s, now).Standing(s.Proofs).Level
	s.Told = level
	return identity.Event{
		ID: identity.NewID("evt", now, e.Random), At: now, Type: identity.EventSessionDecayed, Outcome: identity.Succeeded,
		User: s.User, Session: s.ID, Data: map[string]string{"from": before.String(), "to": level.String()},
	}, level < before
}

// NoteLevel tells of a session whose level decayed while only its tokens were
// used. Where nothing changed it writes nothing.
func (e *Engine) NoteLevel(ctx context.Context, tx identity.Tx, t identity.Tenant, s identity.Session) error {
	p, err := e.Policy(t)
	if err != nil || s.Ended() {
		return err
	}
	ev, decayed := e.tellDecay(&s, p, e.now())
	if !decayed {
		return nil
	}
	if err := tx.Sessions.Save(ctx, s); err != nil {
		return err
	}
	return tx.Events.Append(ctx, ev)
}

// current keeps the latest proof of each enrolment, and drops proofs too old to
// count for anything, so that a session does not grow for ever. A proof is
// never dropped for a weaker one: the latest response may have shown less.
func (r *run) current(proofs []assurance.Proof) []assurance.Proof {
	horizon := r.policy.Limits().Of(assurance.AAL1).Overall
	var out []assurance.Proof
	for _, p := range proofs {
		if horizon > 0 && !r.now.Before(p.At.Add(horizon)) {
			continue
		}
		i := slices.IndexFunc(out, func(o assurance.Proof) bool { return o.Like(p) })
		switch {
		case i < 0:
			out = append(out, p)
		case p.At.After(out[i].At):
			out[i] = p
		}
	}
	return out
}

// knowDevice remembers the browser after a completed sign-in: it carries no
// proof and lowers nothing. Its secret rotates now; a user has ten at most.
func (r *run) knowDevice(s identity.Session) (string, error) {
	secret := identity.RandomToken(secretLength, r.e.Random)
	hash := identity.Hash(secret)
	id := r.browser.Device
	if r.oldCookie || len(r.devices) == 0 {
		if r.oldCookie {
			if err := r.record(identity.Event{Type: identity.EventDeviceStale, Outcome: identity.Refused}); err != nil {
				return "", err
			}
		}
		id = identity.NewID("dev", r.now, r.e.Random)
	} else if err := r.tx.Devices.Rotate(r.ctx, id, hash, r.now); err != nil {
		return "", err
	}
	if r.device != nil {
		return id + "." + secret, nil
	}
	d := identity.Device{ID: id, User: s.User, SecretHash: hash, RotatedAt: r.now, CreatedAt: r.now, LastSeen: r.now, Label: s.UserAgent}
	if len(r.devices) > 0 { // another user's before: its other tabs still have that value
		d.PrevHash = r.devices[0].SecretHash
	}
	if err := r.tx.Devices.Put(r.ctx, d); err != nil {
		return "", err
	}
	return id + "." + secret, r.forgetOldDevices(s.User)
}

func (r *run) forgetOldDevices(user string) error {
	all, err := r.tx.Devices.ByUser(r.ctx, user)
	if err != nil || len(all) <= maxDevices {
		return err
	}
	slices.SortFunc(all, func(a, b identity.Device) int {
		return cmp.Or(b.RotatedAt.Compare(a.RotatedAt), cmp.Compare(b.ID, a.ID))
	})
	for _, d := range all[maxDevices:] {
		if err := r.tx.Devices.Delete(r.ctx, d.ID, user); err != nil {
			return err
		}
	}
	return nil
}

// question is what a session's standing depends on.
func (e *Engine) question(p policy.Policy, s identity.Session, now time.Time) assurance.Question {
	return assurance.Question{Profile: p.Assurance, Trust: e.Trust, Limits: p.Limits(), Activity: s.Activity, Now: now}
}

// Standing computes what a grant is worth now: at most the level of its own
// proofs that the session still holds. A level that the session reached
// elsewhere never reaches a grant, and an ended session gives none.
func (e *Engine) Standing(t identity.Tenant, s identity.Session, proofs []assurance.Proof) (assurance.Standing, error) {
	p, err := e.Policy(t)
	if err != nil {
		return assurance.Standing{}, err
	}
	if s.Ended() {
		return assurance.Standing{AMR: []string{}}, nil
	}
	return e.question(p, s, e.now()).Standing(assurance.Intersect(proofs, s.Proofs)), nil
}

// Bearing is something about to be given, and the proofs that it rests on.
type Bearing struct {
	Application identity.Application // zero for our own pages
	User        identity.User
	Session     identity.Session
	Proofs      []assurance.Proof
}

// Admits reports whether a page may be shown, or a token given, now: whether
// the proofs still hold what the application and the user's groups ask, and
// are not a password alone where the policy always asks for more. It fails
// closed; a sign-in is what mends it.
func (e *Engine) Admits(t identity.Tenant, b Bearing) (bool, error) {
	p, err := e.Policy(t)
	if err != nil {
		return false, err
	}
	stricter, err := policy.ParseStricter(b.Application.Stricter)
	if err != nil {
		return false, err
	}
	now, proofs := e.now(), assurance.Intersect(b.Proofs, b.Session.Proofs)
	floor := p.Floor(policy.Bearer{
		Application: stricter, MinLevel: assurance.Level(b.Application.MinLevel), Groups: b.User.Groups, Created: b.User.CreatedAt,
	}, e.classes)
	if !floor.MetBy(p.Assurance, e.Trust, p.Limits().Live(floor.Level, proofs, b.Session.Activity, now)) {
		return false, nil
	}
	// A level decays, and is told truthfully; a second factor that was never
	// shown is another thing.
	alone := assurance.LevelOf(p.Assurance, e.Trust, proofs) < assurance.AAL2
	return p.MFA != policy.Always || !alone || p.Graced(b.User.CreatedAt, now), nil
}

// SessionStanding computes what a session is worth now.
func (e *Engine) SessionStanding(t identity.Tenant, s identity.Session) (assurance.Standing, error) {
	return e.Standing(t, s, s.Proofs)
}

// Current is the session that a browser's cookie opens.
type Current struct {
	Session  identity.Session
	User     identity.User
	Standing assurance.Standing
	// Insufficient says that the policy asks for more than this session ever
	// showed: it opens no page and no API until a sign-in shows it.
	Insufficient bool
}

// Current finds the live session of a browser and records that it was active.
// Without one it answers identity.ErrNotFound.
func (e *Engine) Current(ctx context.Context, t identity.Tenant, b Browser) (Current, error) {
	if b.Session == "" {
		return Current{}, identity.ErrNotFound
	}
	base, err := e.start(ctx, t, b)
	if err != nil {
		return Current{}, err
	}
	var out Current
	find := func(r *run, tx identity.Tx) error {
		r.tx = tx
		if err := r.readSession(); err != nil {
			return err
		}
		if r.session == nil {
			return identity.ErrNotFound
		}
		user, err := tx.Users.ByID(ctx, r.session.User)
		if err != nil {
			return err
		}
		if user.Disabled() {
			return identity.ErrNotFound
		}
		out = Current{Session: *r.session, User: user, Standing: e.question(r.policy, *r.session, r.now).Standing(r.session.Proofs)}
		admitted, err := e.Admits(t, Bearing{User: user, Session: *r.session, Proofs: r.session.Proofs})
		out.Insufficient = !admitted
		return err
	}
	r := *base
	if err := e.Store.View(ctx, t.ID, func(tx identity.Tx) error { return find(&r, tx) }); err != nil {
		return Current{}, err
	}
	if base.now.Sub(out.Session.Activity.Last) < time.Second {
		return out, nil
	}
	err = e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		if err := find(&r, tx); err != nil {
			return err
		}
		return r.touch()
	})
	return out, err
}

// EndSession is the one revocation path of a session: it ends, and so do the
// grants that hang on it.
func (e *Engine) EndSession(ctx context.Context, tx identity.Tx, s identity.Session, why string) error {
	if s.Ended() {
		return nil
	}
	now := e.now()
	s.EndedAt, s.EndReason = &now, why
	if err := tx.Sessions.Save(ctx, s); err != nil {
		return err
	}
	grants, err := tx.Grants.BySession(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := e.endGrant(ctx, tx, g, why); err != nil {
			return err
		}
	}
	if err := e.takeBack(ctx, tx, identity.Revocation{Kind: identity.RevokedSession, Session: s.ID}, grants); err != nil {
		return err
	}
	if err := e.tellApplications(ctx, tx, s, grants); err != nil {
		return err
	}
	return tx.Events.Append(ctx, identity.Event{
		ID: identity.NewID("evt", now, e.Random), At: now, Type: identity.EventSessionEnded, Outcome: identity.Succeeded,
		User: s.User, Session: s.ID, Reasons: []string{why},
	})
}

// RevokeGrant ends a grant and with it its refresh tokens.
func (e *Engine) RevokeGrant(ctx context.Context, tx identity.Tx, g identity.Grant, why string) error {
	if g.Revoked() {
		return nil
	}
	if err := e.endGrant(ctx, tx, g, why); err != nil {
		return err
	}
	r := identity.Revocation{Kind: identity.RevokedGrant, Session: g.Session, ClientID: g.Application}
	return e.takeBack(ctx, tx, r, []identity.Grant{g})
}

func (e *Engine) endGrant(ctx context.Context, tx identity.Tx, g identity.Grant, why string) error {
	if g.Revoked() {
		return nil
	}
	now := e.now()
	g.RevokedAt, g.Reason = &now, why
	if err := tx.Grants.Save(ctx, g); err != nil {
		return err
	}
	return tx.Events.Append(ctx, identity.Event{
		ID: identity.NewID("evt", now, e.Random), At: now, Type: identity.EventGrantRevoked, Outcome: identity.Succeeded,
		User: g.User, Application: g.Application, Session: g.Session, Reasons: []string{why},
	})
}

// EndUser ends all sessions and grants of a user and raises the epoch, so that
// flows in flight start over.
func (e *Engine) EndUser(ctx context.Context, tx identity.Tx, user identity.User, why string) error {
	if err := tx.Users.Bump(ctx, user.ID, user.Epoch); err != nil {
		return err
	}
	sessions, err := tx.Sessions.ByUser(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if err := e.EndSession(ctx, tx, s, why); err != nil {
			return err
		}
	}
	grants, err := tx.Grants.ByUser(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := e.RevokeGrant(ctx, tx, g, why); err != nil {
			return err
		}
	}
	return nil
}

// SignOut ends a session by id. An unknown or ended session is no error.
func (e *Engine) SignOut(ctx context.Context, t identity.Tenant, session, why string, _ Browser) error {
	return e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		s, err := tx.Sessions.ByID(ctx, session)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return e.EndSession(ctx, tx, s, why)
	})
}
