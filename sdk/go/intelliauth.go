// Package intelliauth protects APIs with the access tokens of IntelliAuth.
//
// A [Verifier] checks a token where it arrives, without a call for each request:
// signature, issuer, audience, times, and the key that it may be bound to (DPoP,
// RFC 9449). It follows the tenant's revocation feed, so that a session that was
// ended is refused within a second. What a token says of how sure the issuer is
// (acr, auth_time) is for [Require] to judge; who needs more is answered as RFC
// 9470 says, and the SDK in the browser steps up and asks again.
//
//	v, err := intelliauth.NewVerifier(ctx, "https://id.example.com", "https://api.example.com")
//	mux.Handle("GET /orders", v.Authenticate(list))
//	mux.Handle("POST /payouts", v.Authenticate(intelliauth.Require(intelliauth.AAL2, 5*time.Minute)(pay)))
//
// Files:
//
//	intelliauth.go  the verifier and its options
//	token.go        what a token says, and the checks on it
//	keys.go         the issuer's metadata and keys
//	dpop.go         proofs of a key
//	feed.go         the revocation feed
//	middleware.go   handlers around handlers
package intelliauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// AAL is an authentication assurance level of NIST SP 800-63B-4.
type AAL int

// The levels. None is that of a token behind which no person stands.
const (
	None AAL = iota
	AAL1
	AAL2
	AAL3
)

func (a AAL) String() string { return fmt.Sprintf("aal%d", int(a)) }

// Option changes a verifier.
type Option func(*options)

type options struct {
	client       *http.Client
	now          func() time.Time
	leeway       time.Duration
	id, secret   string
	stale        StaleMode
	staleAfter   time.Duration
	publicURL    string
	onError      func(error)
	feedDisabled bool
}

// WithClient sets the HTTP client for the issuer. Redirects are never followed.
func WithClient(c *http.Client) Option { return func(o *options) { o.client = c } }

// WithClock sets the clock, for tests.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithLeeway sets how far the issuer's clock may differ from ours; the default
// is 5 seconds, the most is 60.
func WithLeeway(d time.Duration) Option { return func(o *options) { o.leeway = d } }

// WithRevocations follows the revocation feed as the resource id with secret.
// Without it a token is good until it runs out, ten minutes at most.
func WithRevocations(id, secret string) Option {
	return func(o *options) { o.id, o.secret = id, secret }
}

// StaleMode says what happens while the feed cannot be followed.
type StaleMode int

// The modes. Whatever the mode, what was known to be revoked stays refused.
const (
	RefuseStrong StaleMode = iota // the default: AAL2 and above are not believed, AAL1 goes on
	RefuseAll                     // nothing goes on
	AllowAll                      // everything goes on, for as long as its token lives
)

// WithStale sets what happens once the feed has told nothing for longer than
// after; the default is [RefuseStrong] after 10 seconds.
func WithStale(mode StaleMode, after time.Duration) Option {
	return func(o *options) { o.stale, o.staleAfter = mode, after }
}

// WithPublicURL sets the address under which clients reach this API, such as
// https://api.example.com, where a proxy changes it: a DPoP proof names the
// address that its maker used.
func WithPublicURL(u string) Option { return func(o *options) { o.publicURL = u } }

// WithErrors is told what goes wrong behind the requests: keys or feed that
// cannot be read. It must return soon.
func WithErrors(tell func(error)) Option { return func(o *options) { o.onError = tell } }

// Verifier checks access tokens of one issuer for one audience. It is safe for
// concurrent use. Close it when the program ends.
type Verifier struct {
	issuer, audience string
	options
	keys   *keys
	feed   *feed
	proofs *memory
	cancel context.CancelFunc
}

// NewVerifier reads the issuer's metadata and keys, and begins to follow its
// revocation feed where [WithRevocations] is given. audience is this API's name in
// tokens. It fails if the issuer cannot be reached: a program that cannot check
// tokens must not start as if it could. ctx bounds the start alone.
func NewVerifier(ctx context.Context, issuer, audience string, opts ...Option) (*Verifier, error) {
	o := options{now: time.Now, leeway: 5 * time.Second, staleAfter: 10 * time.Second, onError: func(error) {}}
	for _, option := range opts {
		option(&o)
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("intelliauth: %q is no issuer: want https://host", issuer)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return nil, fmt.Errorf("intelliauth: the issuer %q must be https; http is for loopback alone", issuer)
	case audience == "":
		return nil, errors.New("intelliauth: an audience is needed: the name of this API in tokens")
	case o.leeway < 0 || o.leeway > time.Minute:
		return nil, errors.New("intelliauth: the leeway must be 0 to 60 seconds")
	}
	o.client = strict(o.client)
	v := &Verifier{issuer: issuer, audience: audience, options: o, proofs: newMemory()}
	v.keys = &keys{issuer: issuer, client: o.client, now: o.now, tell: o.onError}
	if err := v.keys.start(ctx); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	if o.id != "" {
		v.feed = newFeed(v)
		if err := v.feed.start(ctx); err != nil {
			cancel()
			return nil, err
		}
		go v.feed.follow(running)
	}
	return v, nil
}

// Close ends what runs behind the verifier.
func (v *Verifier) Close() { v.cancel() }

// loopback reports names that are this machine for every program on it.
func loopback(host string) bool {
	return host == "localhost" || host == "::1" || len(host) > 4 && host[:4] == "127." || len(host) > 10 && host[len(host)-10:] == ".localhost"
}

// strict is a client that follows no redirect: keys are read from where the
// issuer says, or not at all.
func strict(c *http.Client) *http.Client {
	out := http.Client{}
	if c != nil {
		out = *c
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &out
}
