package flow

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// mapStore is a store that can be copied in microseconds, for the search of
// explore_test.go: it looks at hundreds of thousands of states. Everything else
// is tested on the real store.
type mapStore struct {
	now func() time.Time
	mapState
}

// mapState is what it holds; values are never changed in place.
type mapState struct {
	users      map[string]identity.User
	enrolments map[string]identity.Enrolment
	sessions   map[string]identity.Session
	grants     map[string]identity.Grant
	devices    map[string]identity.Device
	lanes      map[string]identity.Lane
	items      map[string]identity.Item
	outbox     []identity.Message
}

func (s mapState) clone() mapState {
	return mapState{
		maps.Clone(s.users), maps.Clone(s.enrolments), maps.Clone(s.sessions), maps.Clone(s.grants), maps.Clone(s.devices),
		maps.Clone(s.lanes), maps.Clone(s.items), slices.Clip(s.outbox),
	}
}

func (s *mapStore) View(_ context.Context, _ string, fn func(identity.Tx) error) error {
	return fn(s.tx(&s.mapState))
}

func (s *mapStore) Update(_ context.Context, _ string, fn func(identity.Tx) error) error {
	next := s.clone()
	if err := fn(s.tx(&next)); err != nil {
		return err
	}
	s.mapState = next
	return nil
}

func (s *mapStore) tx(m *mapState) identity.Tx {
	t := &mapTx{m, s.now}
	return identity.Tx{
		Users: (*mapUsers)(t), Enrolments: (*mapEnrolments)(t), Sessions: (*mapSessions)(t), Grants: (*mapGrants)(t), Devices: (*mapDevices)(t),
		Lanes: (*mapLanes)(t), Ephemerals: (*mapItems)(t), Events: (*mapEvents)(t), Outbox: (*mapOutbox)(t), Revocations: noRevocations{}, Applications: noApplications{}, Habits: noHabits{},
	}
}

func (s *mapStore) Tenants(context.Context) ([]identity.Tenant, error) { return nil, nil }
func (s *mapStore) PutTenant(context.Context, identity.Tenant) error   { return nil }
func (s *mapStore) Generation(context.Context) (int64, error)          { return 0, nil }
func (s *mapStore) Close() error                                       { return nil }

type mapTx struct {
	*mapState
	now func() time.Time
}

type (
	mapUsers      mapTx
	mapEnrolments mapTx
	mapSessions   mapTx
	mapGrants     mapTx
	mapDevices    mapTx
	mapLanes      mapTx
	mapItems      mapTx
	mapEvents     mapTx
	mapOutbox     mapTx
)

// found gives a value by key, or says that there is none.
func found[V any](m map[string]V, key string) (V, error) {
	v, ok := m[key]
	if !ok {
		return v, identity.ErrNotFound
	}
	return v, nil
}

// those lists the values that fit, by key.
func those[V any](m map[string]V, fits func(V) bool) []V {
	var out []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if fits(m[k]) {
			out = append(out, m[k])
		}
	}
	return out
}

func (t *mapUsers) Create(_ context.Context, u identity.User) error {
	if len(those(t.users, func(o identity.User) bool { return o.Identifier == u.Identifier })) > 0 {
		return identity.ErrConflict
	}
	t.users[u.ID] = u
	return nil
}

func (t *mapUsers) ByID(_ context.Context, id string) (identity.User, error) {
	return found(t.users, id)
}

func (t *mapUsers) ByIdentifier(_ context.Context, canonical string) (identity.User, error) {
	for _, u := range t.users {
		if u.Identifier == canonical {
			return u, nil
		}
	}
	return identity.User{}, identity.ErrNotFound
}

func (t *mapUsers) Save(_ context.Context, u identity.User) error {
	u.Epoch = t.users[u.ID].Epoch
	t.users[u.ID] = u
	return nil
}

func (t *mapUsers) Bump(_ context.Context, id string, from int64) error {
	u, err := found(t.users, id)
	if err != nil {
		return err
	}
	if u.Epoch != from {
		return identity.ErrConflict
	}
	u.Epoch++
	t.users[id] = u
	return nil
}
func (t *mapUsers) List(context.Context, string, int) ([]identity.User, error) { return nil, nil }

func (t *mapEnrolments) Create(_ context.Context, e identity.Enrolment) error {
	e.Version = 1
	if e.Lookup != nil && len(those(t.enrolments, func(o identity.Enrolment) bool { return o.Factor == e.Factor && bytes.Equal(o.Lookup, e.Lookup) })) > 0 {
		return identity.ErrConflict
	}
	t.enrolments[e.ID] = e
	return nil
}

func (t *mapEnrolments) ByUser(_ context.Context, user string) ([]identity.Enrolment, error) {
	return those(t.enrolments, func(e identity.Enrolment) bool { return e.User == user }), nil
}

func (t *mapEnrolments) ByLookup(_ context.Context, factor string, lookup []byte) (identity.Enrolment, error) {
	out := those(t.enrolments, func(e identity.Enrolment) bool {
		return e.Factor == factor && lookup != nil && bytes.Equal(e.Lookup, lookup)
	})
	if len(out) == 0 {
		return identity.Enrolment{}, identity.ErrNotFound
	}
	return out[0], nil
}

func (t *mapEnrolments) Swap(_ context.Context, e identity.Enrolment) error {
	if t.enrolments[e.ID].Version != e.Version {
		return identity.ErrConflict
	}
	e.Version++
	t.enrolments[e.ID] = e
	return nil
}

func (t *mapEnrolments) Delete(_ context.Context, id string) error {
	delete(t.enrolments, id)
	return nil
}

func (t *mapSessions) Create(_ context.Context, s identity.Session) error {
	s.Version = 1
	t.sessions[s.ID] = s
	return nil
}

func (t *mapSessions) BySecret(_ context.Context, hash []byte) (identity.Session, error) {
	out := those(t.sessions, func(s identity.Session) bool { return bytes.Equal(s.SecretHash, hash) })
	if len(out) == 0 {
		return identity.Session{}, identity.ErrNotFound
	}
	return out[0], nil
}

func (t *mapSessions) ByID(_ context.Context, id string) (identity.Session, error) {
	return found(t.sessions, id)
}

func (t *mapSessions) ByUser(_ context.Context, user string) ([]identity.Session, error) {
	return those(t.sessions, func(s identity.Session) bool { return s.User == user && !s.Ended() }), nil
}

func (t *mapSessions) Save(_ context.Context, s identity.Session) error {
	if t.sessions[s.ID].Version != s.Version {
		return identity.ErrConflict
	}
	s.Version++
	t.sessions[s.ID] = s
	return nil
}

func (t *mapGrants) Create(_ context.Context, g identity.Grant) error {
	g.Version = 1
	t.grants[g.ID] = g
	return nil
}

func (t *mapGrants) ByID(_ context.Context, id string) (identity.Grant, error) {
	return found(t.grants, id)
}

func (t *mapGrants) WithOwner(context.Context, string) (identity.Grant, identity.Session, identity.User, error) {
	return identity.Grant{}, identity.Session{}, identity.User{}, identity.ErrNotFound
}

func (t *mapGrants) ByUser(_ context.Context, user string) ([]identity.Grant, error) {
	return those(t.grants, func(g identity.Grant) bool { return g.User == user && !g.Revoked() }), nil
}

func (t *mapGrants) BySession(_ context.Context, session string) ([]identity.Grant, error) {
	return those(t.grants, func(g identity.Grant) bool { return g.Session == session && !g.Revoked() }), nil
}

func (t *mapGrants) Save(_ context.Context, g identity.Grant) error {
	g.Version++
	t.grants[g.ID] = g
	return nil
}

func (t *mapDevices) ByID(_ context.Context, id string) ([]identity.Device, error) {
	return those(t.devices, func(d identity.Device) bool { return d.ID == id }), nil
}

func (t *mapDevices) ByUser(_ context.Context, user string) ([]identity.Device, error) {
	return those(t.devices, func(d identity.Device) bool { return d.User == user }), nil
}

func (t *mapDevices) Put(_ context.Context, d identity.Device) error {
	t.devices[d.ID+" "+d.User] = d
	return nil
}

func (t *mapDevices) Rotate(_ context.Context, id string, hash []byte, at time.Time) error {
	for k, d := range t.devices {
		if d.ID == id {
			d.PrevHash, d.SecretHash, d.RotatedAt = d.SecretHash, hash, at
			t.devices[k] = d
		}
	}
	return nil
}

func (t *mapDevices) Delete(_ context.Context, id, user string) error {
	delete(t.devices, id+" "+user)
	return nil
}

func (t *mapLanes) Load(_ context.Context, subject string) ([]identity.Lane, error) {
	return those(t.lanes, func(l identity.Lane) bool { return l.Subject == subject }), nil
}

func (t *mapLanes) Save(_ context.Context, l identity.Lane) error {
	key := l.Subject + " " + l.Name
	if t.lanes[key].Version != l.Version {
		return identity.ErrConflict
	}
	l.Version++
	t.lanes[key] = l
	return nil
}
func (t *mapLanes) Sweep(context.Context, time.Time) error { return nil }

func (t *mapItems) Put(_ context.Context, kind, key string, value []byte, expires time.Time) error {
	if _, ok := t.items[kind+" "+key]; ok {
		return identity.ErrConflict
	}
	t.items[kind+" "+key] = identity.Item{Value: value, Version: 1, ExpiresAt: expires}
	return nil
}

func (t *mapItems) Get(_ context.Context, kind, key string) (identity.Item, error) {
	item, err := found(t.items, kind+" "+key)
	switch {
	case err != nil:
	case item.TakenAt != nil:
		err = identity.ErrTaken
	case !t.now().Before(item.ExpiresAt):
		err = identity.ErrExpired
	}
	return item, err
}

func (t *mapItems) Swap(ctx context.Context, kind, key string, version int64, value []byte, expires time.Time) error {
	item, err := t.Get(ctx, kind, key)
	if err != nil || item.Version != version {
		return identity.ErrConflict
	}
	t.items[kind+" "+key] = identity.Item{Value: value, Version: version + 1, ExpiresAt: expires}
	return nil
}

func (t *mapItems) Take(ctx context.Context, kind, key string) (identity.Item, error) {
	item, err := t.Get(ctx, kind, key)
	if err != nil {
		return item, err
	}
	at := t.now()
	taken := item
	taken.TakenAt = &at
	t.items[kind+" "+key] = taken
	return item, nil
}
func (t *mapItems) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }

func (t *mapEvents) Append(context.Context, identity.Event) error { return nil }
func (t *mapEvents) List(context.Context, identity.EventFilter) ([]identity.Event, error) {
	return nil, nil
}

func (t *mapOutbox) Put(_ context.Context, m identity.Message) error {
	t.outbox = append(t.outbox, m)
	return nil
}
func (t *mapOutbox) List(context.Context, int) ([]identity.Message, error) { return t.outbox, nil }
func (t *mapOutbox) Claim(context.Context, time.Time, time.Time, int) ([]identity.Message, error) {
	return nil, nil
}
func (t *mapOutbox) Settle(context.Context, string, identity.Delivery) error { return nil }
func (t *mapOutbox) Sweep(context.Context, time.Time, int) (int, error)      { return 0, nil }

// noApplications knows none: a flow carries what it needs of its own.
type noApplications struct{}

func (noApplications) ByID(context.Context, string) (identity.Application, error) {
	return identity.Application{}, identity.ErrNotFound
}
func (noApplications) List(context.Context) ([]identity.Application, error) { return nil, nil }
func (noApplications) Put(context.Context, identity.Application) error      { return nil }

// noRevocations forgets what APIs are told: it decides nothing.
type noRevocations struct{}

func (noRevocations) Append(context.Context, identity.Revocation) error { return nil }
func (noRevocations) Last(context.Context) (int64, error)               { return 0, nil }
func (noRevocations) Live(context.Context, time.Time) ([]identity.Revocation, error) {
	return nil, nil
}
func (noRevocations) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }

// noHabits knows nothing of anybody: whoever comes is a stranger.
type noHabits struct{}

func (noHabits) Look(context.Context, identity.HabitQuery) (identity.HabitAnswer, error) {
	return identity.HabitAnswer{}, nil
}
func (noHabits) Learn(context.Context, string, identity.Visit) error { return nil }
func (noHabits) Fail(context.Context, [3]string, time.Time) error    { return nil }
func (noHabits) Sweep(context.Context, time.Time, int) (int, error)  { return 0, nil }
