package store

import (
	"context"
	"math"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type sessions txn

// sessionRecord is the JSON of a session.
type sessionRecord struct {
	Proofs     []assurance.Proof `json:"proofs,omitempty"`
	CreatedAt  time.Time         `json:"createdAt"`
	LastActive time.Time         `json:"lastActive"`
	Lapsed     [3]time.Time      `json:"lapsed,omitzero"`
	Device     string            `json:"device,omitempty"`
	IP         string            `json:"ip,omitempty"`
	UserAgent  string            `json:"userAgent,omitempty"`
	EndReason  string            `json:"endReason,omitempty"`
	Told       assurance.Level   `json:"told,omitempty"`
	Bound      *identity.Binding `json:"bound,omitempty"`
}

func sessionData(s identity.Session) string {
	return encode(sessionRecord{
		Proofs: s.Proofs, CreatedAt: s.CreatedAt, LastActive: s.Activity.Last, Lapsed: s.Activity.Lapsed,
		Device: s.Device, IP: s.IP, UserAgent: s.UserAgent, EndReason: s.EndReason, Told: s.Told, Bound: s.Bound,
	})
}

func (t *sessions) Create(ctx context.Context, s identity.Session) error {
	if s.ID == "" || !plain(s.ID, s.User) {
		return identity.ErrInvalid
	}
	rows, err := t.q.InsertSession(ctx, sqlc.InsertSessionParams{
		TenantID: t.tenant, ID: s.ID, UserID: s.User, SecretHash: orNull(s.SecretHash),
		EndedAt: micros(s.EndedAt), ActiveDay: dayOf(s.Activity.Last), Data: sessionData(s),
	})
	return one(rows, err, identity.ErrConflict)
}

func (t *sessions) BySecret(ctx context.Context, hash []byte) (identity.Session, error) {
	if len(hash) == 0 {
		return identity.Session{}, identity.ErrNotFound
	}
	row, err := t.q.SessionBySecret(ctx, t.tenant, hash)
	if err != nil {
		return identity.Session{}, wrap(err)
	}
	return session(sqlc.SessionsByUserRow(row))
}

func (t *sessions) ByID(ctx context.Context, id string) (identity.Session, error) {
	if !plain(id) {
		return identity.Session{}, identity.ErrNotFound
	}
	row, err := t.q.Session(ctx, t.tenant, id)
	if err != nil {
		return identity.Session{}, wrap(err)
	}
	return session(sqlc.SessionsByUserRow(row))
}

func (t *sessions) ByUser(ctx context.Context, user string) ([]identity.Session, error) {
	if !plain(user) {
		return nil, nil
	}
	rows, err := t.q.SessionsByUser(ctx, t.tenant, user)
	return collect(rows, err, session)
}

// Save answers ErrConflict, too, if there is no such session. The user of a
// session never changes.
func (t *sessions) Save(ctx context.Context, s identity.Session) error {
	if !plain(s.ID, s.User) {
		return identity.ErrInvalid
	}
	rows, err := t.q.SaveSession(ctx, sqlc.SaveSessionParams{
		TenantID: t.tenant, ID: s.ID, UserID: s.User, Version: s.Version,
		SecretHash: orNull(s.SecretHash), EndedAt: micros(s.EndedAt), ActiveDay: dayOf(s.Activity.Last), Data: sessionData(s),
	})
	return one(rows, err, identity.ErrConflict)
}

// dayOf is the day of a time, counted from the Unix epoch; 0 of the zero time.
func dayOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix() / (24 * 60 * 60)
}

func session(r sqlc.SessionsByUserRow) (identity.Session, error) {
	var d sessionRecord
	err := decode(r.Data, &d)
	return identity.Session{
		ID: r.ID, User: r.UserID, SecretHash: r.SecretHash, Version: r.Version, EndedAt: timeOf(r.EndedAt),
		Proofs: d.Proofs, CreatedAt: d.CreatedAt, Activity: assurance.Activity{Last: d.LastActive, Lapsed: d.Lapsed},
		Device: d.Device, IP: d.IP, UserAgent: d.UserAgent, EndReason: d.EndReason, Told: d.Told, Bound: d.Bound,
	}, err
}

type grants txn

func (t *grants) Create(ctx context.Context, g identity.Grant) error {
	if g.ID == "" || !plain(g.ID, g.User, g.Session) {
		return identity.ErrInvalid
	}
	rows, err := t.q.InsertGrant(ctx, sqlc.InsertGrantParams{
		TenantID: t.tenant, ID: g.ID, UserID: g.User, SessionID: g.Session,
		ExpiresAt: until(g.ExpiresAt), RevokedAt: micros(g.RevokedAt), OverDay: overDay(g), Data: encode(g),
	})
	return one(rows, err, identity.ErrConflict)
}

func (t *grants) ByID(ctx context.Context, id string) (identity.Grant, error) {
	if !plain(id) {
		return identity.Grant{}, identity.ErrNotFound
	}
	row, err := t.q.Grant(ctx, t.tenant, id)
	if err != nil {
		return identity.Grant{}, wrap(err)
	}
	return grant(sqlc.GrantsByUserRow(row))
}

func (t *grants) WithOwner(ctx context.Context, id string) (g identity.Grant, s identity.Session, u identity.User, err error) {
	if !plain(id) {
		return g, s, u, identity.ErrNotFound
	}
	row, err := t.q.GrantWithOwner(ctx, t.tenant, id)
	if err != nil {
		return g, s, u, wrap(err)
	}
	if g, err = grant(sqlc.GrantsByUserRow{Version: row.GrantVersion, Data: row.GrantData}); err != nil {
		return g, s, u, err
	}
	s, err = session(sqlc.SessionsByUserRow{
		ID: row.ID, UserID: row.UserID, SecretHash: row.SecretHash, EndedAt: row.EndedAt, Version: row.Version, Data: row.Data,
	})
	if err != nil {
		return g, s, u, err
	}
	u, err = user(row.Epoch, row.UserData, nil)
	return g, s, u, err
}

// ByUser returns what is neither revoked nor expired.
func (t *grants) ByUser(ctx context.Context, user string) ([]identity.Grant, error) {
	if !plain(user) {
		return nil, nil
	}
	rows, err := t.q.GrantsByUser(ctx, t.tenant, user, t.store.now().UnixMicro())
	return collect(rows, err, grant)
}

// BySession returns what is neither revoked nor expired.
func (t *grants) BySession(ctx context.Context, session string) ([]identity.Grant, error) {
	if !plain(session) {
		return nil, nil
	}
	rows, err := t.q.GrantsBySession(ctx, t.tenant, session, t.store.now().UnixMicro())
	return collect(rows, err, func(r sqlc.GrantsBySessionRow) (identity.Grant, error) {
		return grant(sqlc.GrantsByUserRow(r))
	})
}

// Save answers ErrConflict, too, if there is no such grant. The user of a
// grant never changes.
func (t *grants) Save(ctx context.Context, g identity.Grant) error {
	if !plain(g.ID, g.User, g.Session) {
		return identity.ErrInvalid
	}
	rows, err := t.q.SaveGrant(ctx, sqlc.SaveGrantParams{
		TenantID: t.tenant, ID: g.ID, UserID: g.User, Version: g.Version, SessionID: g.Session,
		ExpiresAt: until(g.ExpiresAt), RevokedAt: micros(g.RevokedAt), OverDay: overDay(g), Data: encode(g),
	})
	return one(rows, err, identity.ErrConflict)
}

func grant(r sqlc.GrantsByUserRow) (identity.Grant, error) {
	var g identity.Grant
	err := decode(r.Data, &g)
	g.Version = r.Version
	return g, err
}

// overDay is the day on which a grant expires or was revoked, whichever is first.
func overDay(g identity.Grant) int64 {
	over := until(g.ExpiresAt)
	if g.RevokedAt != nil {
		over = min(over, moment(*g.RevokedAt))
	}
	return over / (24 * time.Hour).Microseconds()
}

// until is a time as a column; the zero time never comes.
func until(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return t.UnixMicro()
}
