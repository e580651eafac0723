package flow

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// Kinds of ephemerals.
const (
	kindFlow          = "flow"
	kindAnswer        = "answer"
	KindCode          = "code" // authorization codes, by identity.HashKey
	kindEnrolling     = "enrolling"
	kindEnrollingLast = "enrolling-last"
	kindBind          = "bind"   // challenges to bind a session
	kindRebind        = "rebind" // challenges to bound sessions
)

const (
	flowLife     = 15 * time.Minute
	codeLife     = time.Minute
	maxDevices   = 10
	deviceGrace  = time.Minute
	nobody       = "usr_" // looked up where there is no user, so that the same work is done
	defaultKept  = time.Minute
	handleLength = 64 // bytes of a user handle (WebAuthn Level 3, 14.6.1)
	secretLength = 32 // bytes of a cookie secret or code: 256 bits
)

// Deps is what an engine is made of.
type Deps struct {
	Store   identity.Store
	Factors []factor.Factor
	Slots   *Slots
	// Index gives a tenant's key for keyed hashes of identifiers.
	Index func(ctx context.Context, tenant string) ([]byte, error)
	Trust assurance.Trust
	// Assess says how odd a sign-in looks; default risk.Assess.
	Assess func(risk.Inputs) risk.Assessment
	Now    func() time.Time
	Random io.Reader
	// Locate says what is known of an address; nil: nothing.
	Locate func(netip.Addr) Whereabouts
	Kept   time.Duration // how long a finished flow keeps its answer; default 60 s
	// Number parses a telephone number as the tenant's people write it; nil
	// where no number can be kept.
	Number func(t identity.Tenant, typed string) (e164 string, err error)
}

// Engine runs flows. It is safe for concurrent use.
type Engine struct {
	Deps
	factors  map[string]factor.Factor
	kinds    map[string]factor.Facts
	classes  map[string]assurance.Class
	policies sync.Map // raw policy → policy.Policy
}

// New makes an engine. Factors are the visible list that main hands in.
func New(d Deps) *Engine {
	if d.Assess == nil {
		d.Assess = risk.Assess
	}
	if d.Kept == 0 {
		d.Kept = defaultKept
	}
	e := &Engine{Deps: d, factors: map[string]factor.Factor{}, kinds: map[string]factor.Facts{}, classes: map[string]assurance.Class{}}
	for _, f := range d.Factors {
		facts := f.Facts()
		e.factors[facts.Name], e.kinds[facts.Name], e.classes[facts.Name] = f, facts, facts.Class
	}
	return e
}

// now is the engine's clock at the resolution that is stored.
func (e *Engine) now() time.Time { return e.Now().UTC().Truncate(time.Microsecond) }

// Policy returns a tenant's policy, parsed once per text. A policy that cannot
// be parsed is an error, never a default.
func (e *Engine) Policy(t identity.Tenant) (policy.Policy, error) {
	if p, ok := e.policies.Load(string(t.Policy)); ok {
		return p.(policy.Policy), nil
	}
	p, err := policy.Parse(t.Policy)
	if err != nil {
		return policy.Policy{}, err
	}
	e.policies.Store(string(t.Policy), p)
	return p, nil
}

// run is one request at work: the flow and everything read beside it in one
// transaction.
type run struct {
	e       *Engine
	ctx     context.Context
	tenant  identity.Tenant
	policy  policy.Policy
	browser Browser
	tx      identity.Tx
	now     time.Time

	flow      Flow
	version   int64
	user      *identity.User
	held      []identity.Enrolment
	session   *identity.Session // live session of the browser, whoever's it is
	lapsed    *identity.Session // the browser's session, of which no level is left
	device    *identity.Device  // known device of this user
	oldCookie bool              // the browser showed a device secret that was rotated away
	devices   []identity.Device // rows of the browser's device, all users
	decision  policy.Decision
	index     []byte
	holding   bool         // a hash slot, for this attempt
	looking   bool         // in a read-only transaction: nothing is begun
	closed    bool         // the lane of this browser is full
	trouble   *ViewError   // to be shown with the next view
	past      *risk.Inputs // of a sign-in that is only simulated
	fault     error        // history could not be read: nothing is concluded
}

func (e *Engine) start(ctx context.Context, t identity.Tenant, b Browser) (*run, error) {
	p, err := e.Policy(t)
	if err != nil {
		return nil, err
	}
	index, err := e.Index(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	return &run{e: e, ctx: ctx, tenant: t, policy: p, browser: b, now: e.now(), index: index}, nil
}

// load reads a flow and checks that this browser began it. A flow of another
// tenant is not found, since every key is the tenant's.
func (r *run) load(id string) error {
	item, err := r.tx.Ephemerals.Get(r.ctx, kindFlow, id)
	if err != nil && !errors.Is(err, identity.ErrTaken) && !errors.Is(err, identity.ErrExpired) {
		return err
	}
	if uerr := json.Unmarshal(item.Value, &r.flow); uerr != nil {
		return uerr
	}
	if r.browser.Binding == "" || !hmac.Equal(r.flow.Binding, identity.Hash(r.browser.Binding)) {
		return identity.ErrForeign
	}
	if err != nil {
		return &OverError{Application: r.flow.Application, cause: err}
	}
	r.version = item.Version
	// Another version of the program may have begun what this one cannot judge.
	r.flow.Challenges = slices.DeleteFunc(r.flow.Challenges, func(c Challenge) bool { return r.e.factors[c.Factor] == nil })
	return nil
}

// OverError says that a flow is over, and where its application may be started
// anew.
type OverError struct {
	Application App
	cause       error
}

func (o *OverError) Error() string { return "flow is over: " + o.cause.Error() }

// Unwrap gives the kind of error: taken or expired.
func (o *OverError) Unwrap() error { return o.cause }

// read loads the user, enrolments, session and device that belong to the flow.
// For a name that nobody has, the same queries are made.
func (r *run) read() error {
	if err := r.readSession(); err != nil {
		return err
	}
	if !r.flow.Identified() {
		return nil
	}
	id := r.flow.User
	if id == "" {
		id = nobody
	}
	user, err := r.tx.Users.ByID(r.ctx, id)
	switch {
	case errors.Is(err, identity.ErrNotFound):
		r.user = nil
	case err != nil:
		return err
	default:
		r.user = &user
	}
	return r.readHeld(id)
}

// readHeld loads the enrolments and the device of the user with this id.
func (r *run) readHeld(id string) error {
	all, err := r.tx.Enrolments.ByUser(r.ctx, id)
	if err != nil {
		return err
	}
	r.held = r.held[:0]
	for _, en := range all {
		if !en.Suspended {
			r.held = append(r.held, en)
		}
	}
	if err := r.readDevice(); err != nil {
		return err
	}
	r.followEpoch()
	return nil
}

// followEpoch starts the flow over when something about the user changed since
// it last looked: a proof from before a revocation is no proof.
func (r *run) followEpoch() {
	if r.user == nil || r.user.Epoch == r.flow.Epoch {
		return
	}
	r.flow.Epoch = r.user.Epoch
	r.flow.Proofs, r.flow.Challenges, r.flow.Consented, r.flow.Trial = nil, nil, false, nil
}

func (r *run) readSession() error {
	if r.browser.Session == "" {
		return nil
	}
	s, err := r.tx.Sessions.BySecret(r.ctx, identity.Hash(r.browser.Session))
	if errors.Is(err, identity.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.Ended() || !r.carried(s) {
		return nil
	}
	if r.e.question(r.policy, s, r.now).Standing(s.Proofs).Level == assurance.None {
		r.lapsed = &s
		return nil
	}
	r.session = &s
	return nil
}

// readDevice finds out whether this browser is a known device of the user.
func (r *run) readDevice() error {
	if r.browser.Device == "" {
		return nil
	}
	rows, err := r.tx.Devices.ByID(r.ctx, r.browser.Device)
	if err != nil {
		return err
	}
	hash := identity.Hash(r.browser.Secret)
	for _, d := range rows {
		current := hmac.Equal(d.SecretHash, hash)
		previous := hmac.Equal(d.PrevHash, hash) && r.now.Before(d.RotatedAt.Add(deviceGrace))
		if !current && !previous {
			r.oldCookie = true
			return nil
		}
		if r.user != nil && d.User == r.user.ID {
			r.device = &d
		}
	}
	r.devices = rows
	return nil
}

// subject is whom guesses are counted against: before a first proof the keyed
// hash of what was typed, existing or not; then the user.
func (r *run) subject(f Facts) string {
	if (len(f.Proofs) > 0 || f.opened()) && r.user != nil {
		return r.user.ID
	}
	mac := hmac.New(sha256.New, r.index)
	mac.Write([]byte("identifier\x00" + r.tenant.ID + "\x00" + r.flow.Canonical))
	return "idf_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// lanes loads the guessing record that an attempt now would count in.
func (r *run) lanes(subject string) (Lanes, error) {
	all, err := r.tx.Lanes.Load(r.ctx, subject)
	own := laneUnknown
	switch {
	case r.device != nil:
		own = r.device.ID
	case r.flow.ticketed(ticketUnlock): // the mailbox vouches as a known device would
		own = laneTicket
	}
	return Lanes{All: all, Own: own, Now: r.now}, err
}

// keep writes the flow back by compare-and-swap.
func (r *run) keep() error {
	if err := r.tellRisk(); err != nil {
		return err
	}
	value, err := json.Marshal(r.flow)
	if err != nil {
		return err
	}
	if err := r.tx.Ephemerals.Swap(r.ctx, kindFlow, r.flow.ID, r.version, value, r.flow.ExpiresAt); err != nil {
		return err
	}
	r.version++
	return nil
}

// event fills in who and where.
func (r *run) event(ev identity.Event) identity.Event {
	ev.ID, ev.At = identity.NewID("evt", r.now, r.e.Random), r.now
	ev.Flow, ev.Application = r.flow.ID, r.flow.Application.ID
	ev.IP, ev.UserAgent = r.addr(), label(r.browser.UserAgent)
	if r.user != nil {
		ev.User, ev.Actor = r.user.ID, r.user.ID
	}
	if r.device != nil {
		ev.Device = r.device.ID
	}
	if ev.Session == "" && r.flow.Session != "" {
		ev.Session = r.flow.Session
	}
	return ev
}

func (r *run) record(ev identity.Event) error { return r.tx.Events.Append(r.ctx, r.event(ev)) }

// addr is the browser's address, "" if it is not known.
func (r *run) addr() string {
	if !r.browser.Addr.IsValid() {
		return ""
	}
	return r.browser.Addr.String()
}

// label bounds what a browser says of itself and keeps it on one line.
func label(ua string) string {
	out := make([]rune, 0, 64)
	for _, c := range ua {
		if c < ' ' || c == 0x7f || (c >= 0x80 && c < 0xa0) || c == '\u2028' || c == '\u2029' || c == '\ufffd' {
			c = ' '
		}
		if out = append(out, c); len(out) == 256 {
			break
		}
	}
	return string(out)
}
