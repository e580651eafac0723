package store

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type users txn

func (t *users) Create(ctx context.Context, u identity.User) error {
	if u.ID == "" || !plain(u.ID, u.Identifier) {
		return identity.ErrInvalid
	}
	rows, err := t.q.InsertUser(ctx, sqlc.InsertUserParams{
		TenantID: t.tenant, ID: u.ID, Identifier: u.Identifier, Epoch: u.Epoch, Data: encode(u),
	})
	return one(rows, err, identity.ErrConflict)
}

func (t *users) ByID(ctx context.Context, id string) (identity.User, error) {
	if !plain(id) {
		return identity.User{}, identity.ErrNotFound
	}
	row, err := t.q.User(ctx, t.tenant, id)
	return user(row.Epoch, row.Data, err)
}

func (t *users) ByIdentifier(ctx context.Context, canonical string) (identity.User, error) {
	if !plain(canonical) {
		return identity.User{}, identity.ErrNotFound
	}
	row, err := t.q.UserByIdentifier(ctx, t.tenant, canonical)
	return user(row.Epoch, row.Data, err)
}

// Save answers ErrConflict if the new identifier is another user's. It asks
// first, since a violated index would end a transaction on PostgreSQL.
func (t *users) Save(ctx context.Context, u identity.User) error {
	if !plain(u.ID, u.Identifier) {
		return identity.ErrInvalid
	}
	owner, err := t.q.OwnerOfIdentifier(ctx, t.tenant, u.Identifier)
	if err = wrap(err); err != nil && !notFound(err) {
		return err
	}
	if err == nil && owner != u.ID {
		return identity.ErrConflict
	}
	rows, err := t.q.SaveUser(ctx, sqlc.SaveUserParams{
		TenantID: t.tenant, ID: u.ID, Identifier: u.Identifier, Data: encode(u),
	})
	return one(rows, err, identity.ErrNotFound)
}

func (t *users) Bump(ctx context.Context, id string, from int64) error {
	if !plain(id) {
		return identity.ErrConflict
	}
	rows, err := t.q.BumpUser(ctx, t.tenant, id, from)
	return one(rows, err, identity.ErrConflict)
}

func (t *users) List(ctx context.Context, after string, limit int) ([]identity.User, error) {
	if !plain(after) {
		return nil, identity.ErrInvalid
	}
	rows, err := t.q.Users(ctx, t.tenant, after, rowLimit(limit))
	return collect(rows, err, func(r sqlc.UsersRow) (identity.User, error) { return user(r.Epoch, r.Data, nil) })
}

func user(epoch int64, data string, err error) (identity.User, error) {
	if err != nil {
		return identity.User{}, wrap(err)
	}
	var u identity.User
	err = decode(data, &u)
	u.Epoch = epoch
	return u, err
}

// rowLimit keeps a page between 1 and 1000 rows; 0 means 100.
func rowLimit(n int) int32 {
	if n == 0 {
		n = 100
	}
	return int32(min(max(n, 1), 1000))
}

type enrolments txn

// enrolmentRecord is the JSON of an enrolment: what may be shown in a list.
type enrolmentRecord struct {
	Name       string     `json:"name,omitempty"`
	EnrolledAt time.Time  `json:"enrolledAt"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	Suspended  bool       `json:"suspended,omitempty"`
	RemovedAt  *time.Time `json:"removedAt,omitempty"`
	Channel    string     `json:"channel,omitempty"`
}

func (t *enrolments) place(e identity.Enrolment) place {
	return (*txn)(t).at("enrolments", "sealed", e.ID, e.User)
}

// secrets are what is sealed: the factor's data, and the lookup, of which the
// column keeps a keyed hash only.
func (t *enrolments) secrets(e identity.Enrolment) []byte {
	plain := binary.AppendUvarint(nil, uint64(len(e.Lookup)))
	plain = append(plain, e.Lookup...)
	return t.ring.seal(t.place(e), append(plain, e.Data...))
}

func record(e identity.Enrolment) string {
	return encode(enrolmentRecord{
		Name: e.Name, EnrolledAt: e.EnrolledAt, LastUsedAt: e.LastUsedAt, Suspended: e.Suspended, RemovedAt: e.RemovedAt, Channel: e.Channel,
	})
}

func (t *enrolments) Create(ctx context.Context, e identity.Enrolment) error {
	if e.ID == "" || !plain(e.ID, e.User, e.Factor) {
		return identity.ErrInvalid
	}
	rows, err := t.q.InsertEnrolment(ctx, sqlc.InsertEnrolmentParams{
		TenantID: t.tenant, ID: e.ID, UserID: e.User, Factor: e.Factor,
		Lookup: t.ring.lookup(e.Factor, e.Lookup), RemovedAt: micros(e.RemovedAt), Sealed: t.secrets(e), Data: record(e),
	})
	return one(rows, err, identity.ErrConflict)
}

// ByUser lists oldest first, since ids begin with the time.
func (t *enrolments) ByUser(ctx context.Context, user string) ([]identity.Enrolment, error) {
	if !plain(user) {
		return nil, nil
	}
	rows, err := t.q.EnrolmentsByUser(ctx, t.tenant, user)
	return collect(rows, err, t.enrolment)
}

func (t *enrolments) ByLookup(ctx context.Context, factor string, lookup []byte) (identity.Enrolment, error) {
	if len(lookup) == 0 || !plain(factor) {
		return identity.Enrolment{}, identity.ErrNotFound
	}
	row, err := t.q.EnrolmentByLookup(ctx, t.tenant, factor, t.ring.lookup(factor, lookup))
	if err != nil {
		return identity.Enrolment{}, wrap(err)
	}
	return t.enrolment(sqlc.EnrolmentsByUserRow(row))
}

func (t *enrolments) enrolment(r sqlc.EnrolmentsByUserRow) (identity.Enrolment, error) {
	var d enrolmentRecord
	if err := decode(r.Data, &d); err != nil {
		return identity.Enrolment{}, err
	}
	e := identity.Enrolment{
		ID: r.ID, User: r.UserID, Factor: r.Factor, Version: r.Version,
		Name: d.Name, EnrolledAt: d.EnrolledAt, LastUsedAt: d.LastUsedAt, Suspended: d.Suspended,
		RemovedAt: d.RemovedAt, Channel: d.Channel,
	}
	secrets, err := t.ring.open(t.place(e), r.Sealed)
	if err != nil {
		return identity.Enrolment{}, err
	}
	n, size := binary.Uvarint(secrets)
	if size <= 0 || n > uint64(len(secrets)-size) {
		return identity.Enrolment{}, errSealed
	}
	e.Lookup = orNull(secrets[size : size+int(n) : size+int(n)])
	e.Data = orNull(secrets[size+int(n):])
	return e, nil
}

// Swap answers ErrConflict, too, if the enrolment is gone, or another one has
// its new Lookup. User and Factor never change.
func (t *enrolments) Swap(ctx context.Context, e identity.Enrolment) error {
	if !plain(e.ID, e.User, e.Factor) {
		return identity.ErrInvalid
	}
	lookup := t.ring.lookup(e.Factor, e.Lookup)
	if lookup != nil {
		owner, err := t.q.OwnerOfLookup(ctx, t.tenant, e.Factor, lookup)
		if err = wrap(err); err != nil && !notFound(err) {
			return err
		}
		if err == nil && owner != e.ID {
			return identity.ErrConflict
		}
	}
	rows, err := t.q.SwapEnrolment(ctx, sqlc.SwapEnrolmentParams{
		TenantID: t.tenant, ID: e.ID, UserID: e.User, Factor: e.Factor, Version: e.Version,
		Lookup: lookup, RemovedAt: micros(e.RemovedAt), Sealed: t.secrets(e), Data: record(e),
	})
	return one(rows, err, identity.ErrConflict)
}

func (t *enrolments) Delete(ctx context.Context, id string) error {
	if !plain(id) {
		return identity.ErrNotFound
	}
	rows, err := t.q.DeleteEnrolment(ctx, t.tenant, id)
	return one(rows, err, identity.ErrNotFound)
}
