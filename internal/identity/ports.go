package identity

import (
	"context"
	"time"
)

// Store is where everything is kept. Every read and write of a tenant's
// things goes through View or Update, so that a query without its tenant
// cannot be written.
type Store interface {
	// View runs fn on a consistent read-only snapshot.
	View(ctx context.Context, tenant string, fn func(Tx) error) error
	// Update runs fn in a transaction that is durable when Update returns nil,
	// and leaves nothing when it returns an error. fn may run more than once
	// (serialization failures are retried) and must have no other effects.
	Update(ctx context.Context, tenant string, fn func(Tx) error) error
	// Tenants lists all tenants; PutTenant creates or replaces one.
	Tenants(ctx context.Context) ([]Tenant, error)
	PutTenant(ctx context.Context, t Tenant) error
	// Generation changes whenever tenants, applications or signing keys do, on
	// any node; nodes poll it to refresh what they cache.
	Generation(ctx context.Context) (int64, error)
	Close() error
}

// Tx is one transaction within one tenant.
type Tx struct {
	Applications Applications
	Users        Users
	Enrolments   Enrolments
	Sessions     Sessions
	Grants       Grants
	Devices      Devices
	Lanes        Lanes
	Ephemerals   Ephemerals
	Events       Events
	Keys         Keys
	Outbox       Outbox
	Revocations  Revocations
	Habits       Habits
}

// Applications keeps applications. Put raises the store's generation.
type Applications interface {
	ByID(ctx context.Context, id string) (Application, error)
	List(ctx context.Context) ([]Application, error)
	Put(ctx context.Context, a Application) error
}

// Users keeps users. Create answers ErrConflict if the identifier is in use.
type Users interface {
	Create(ctx context.Context, u User) error
	ByID(ctx context.Context, id string) (User, error)
	ByIdentifier(ctx context.Context, canonical string) (User, error)
	// Save writes all fields but Epoch.
	Save(ctx context.Context, u User) error
	// Bump raises the epoch from the value given, or answers ErrConflict.
	Bump(ctx context.Context, id string, from int64) error
	// List pages by id, oldest first.
	List(ctx context.Context, after string, limit int) ([]User, error)
}

// Enrolments keeps enrolments. Create answers ErrConflict if Lookup exists for
// the factor; Swap if Version is not the stored one.
type Enrolments interface {
	Create(ctx context.Context, e Enrolment) error
	ByUser(ctx context.Context, user string) ([]Enrolment, error)
	ByLookup(ctx context.Context, factor string, lookup []byte) (Enrolment, error)
	Swap(ctx context.Context, e Enrolment) error
	Delete(ctx context.Context, id string) error
}

// Sessions keeps sessions. Save compares and swaps by Version. BySecret and
// ByID return ended sessions too.
type Sessions interface {
	Create(ctx context.Context, s Session) error
	BySecret(ctx context.Context, hash []byte) (Session, error)
	ByID(ctx context.Context, id string) (Session, error)
	ByUser(ctx context.Context, user string) ([]Session, error) // live ones
	Save(ctx context.Context, s Session) error
}

// Grants keeps grants. Save compares and swaps by Version.
type Grants interface {
	Create(ctx context.Context, g Grant) error
	ByID(ctx context.Context, id string) (Grant, error)
	// WithOwner is ByID, and with it the session and the user that it hangs on. A
	// grant that lacks one of them is not found.
	WithOwner(ctx context.Context, id string) (Grant, Session, User, error)
	ByUser(ctx context.Context, user string) ([]Grant, error)       // live ones
	BySession(ctx context.Context, session string) ([]Grant, error) // live ones
	Save(ctx context.Context, g Grant) error
}

// Devices keeps which browsers finished a sign-in of which users.
type Devices interface {
	ByID(ctx context.Context, id string) ([]Device, error) // one per user
	ByUser(ctx context.Context, user string) ([]Device, error)
	Put(ctx context.Context, d Device) error // by id and user
	// Rotate sets the secret of a browser for all its users, keeping the last.
	Rotate(ctx context.Context, id string, hash []byte, at time.Time) error
	Delete(ctx context.Context, id, user string) error
}

// Lanes keeps guessing records. Save compares and swaps by Version (0 creates).
type Lanes interface {
	Load(ctx context.Context, subject string) ([]Lane, error)
	Save(ctx context.Context, l Lane) error
	Sweep(ctx context.Context, before time.Time) error // drops lanes not written since
}

// Item is a stored thing that expires.
type Item struct {
	Value     []byte
	Version   int64
	ExpiresAt time.Time
	TakenAt   *time.Time
}

// Ephemerals keeps all that expires: flows, authorization codes, pushed
// requests, refresh tokens, proof ids. Values are sealed at rest. An expired
// item is ErrExpired (or ErrNotFound once swept); times are compared with the
// store's clock, and an item of n seconds ends exactly n seconds later.
type Ephemerals interface {
	// Put stores a new item; ErrConflict if the key was ever used and not swept.
	Put(ctx context.Context, kind, key string, value []byte, expires time.Time) error
	// Get answers ErrTaken or ErrExpired, with the item, if it was taken or is over.
	Get(ctx context.Context, kind, key string) (Item, error)
	// Swap replaces the value of an item neither taken nor expired if version
	// is its version, else ErrConflict.
	Swap(ctx context.Context, kind, key string, version int64, value []byte, expires time.Time) error
	// Take consumes the item in one statement. Exactly one Take succeeds; later
	// ones answer ErrTaken with the item until it is swept.
	Take(ctx context.Context, kind, key string) (Item, error)
	// Sweep deletes at most limit items that expired before, and tells how many.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)
}

// Events is append-only.
type Events interface {
	Append(ctx context.Context, e Event) error
	List(ctx context.Context, f EventFilter) ([]Event, error)
}

// Keys keeps signing keys. Put raises the store's generation.
type Keys interface {
	List(ctx context.Context) ([]SigningKey, error)
	Put(ctx context.Context, k SigningKey) error
}

// Outbox keeps messages to be sent, written in the transaction that makes them.
// Everything that a message says, and to whom, is sealed at rest.
type Outbox interface {
	Put(ctx context.Context, m Message) error
	List(ctx context.Context, limit int) ([]Message, error) // newest first
	// Claim leases at most limit messages that are due at now, oldest first, to
	// this caller until the given time: no other Claim gives them out before.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]Message, error)
	// Settle writes the result of a try and ends the lease.
	Settle(ctx context.Context, id string, d Delivery) error
	// Sweep deletes at most limit messages that were sent or given up before.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)
}

// Due tells which tenants have messages to be sent, so that a worker need not
// ask each.
type Due interface {
	DueTenants(ctx context.Context, now time.Time) ([]string, error)
}
