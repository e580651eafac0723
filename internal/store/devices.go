package store

import (
	"context"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type devices txn

// deviceRecord is the JSON of a device.
type deviceRecord struct {
	CreatedAt time.Time `json:"createdAt"`
	LastSeen  time.Time `json:"lastSeen"`
	Label     string    `json:"label,omitempty"`
}

func (t *devices) ByID(ctx context.Context, id string) ([]identity.Device, error) {
	if !plain(id) {
		return nil, nil
	}
	rows, err := t.q.DevicesByID(ctx, t.tenant, id)
	return collect(rows, err, device)
}

func (t *devices) ByUser(ctx context.Context, user string) ([]identity.Device, error) {
	if !plain(user) {
		return nil, nil
	}
	rows, err := t.q.DevicesByUser(ctx, t.tenant, user)
	return collect(rows, err, func(r sqlc.DevicesByUserRow) (identity.Device, error) {
		return device(sqlc.DevicesByIDRow(r))
	})
}

func (t *devices) Put(ctx context.Context, d identity.Device) error {
	if d.ID == "" || !plain(d.ID, d.User) {
		return identity.ErrInvalid
	}
	return wrap(t.q.PutDevice(ctx, sqlc.PutDeviceParams{
		TenantID: t.tenant, ID: d.ID, UserID: d.User,
		SecretHash: orNull(d.SecretHash), PrevHash: orNull(d.PrevHash), RotatedAt: moment(d.RotatedAt),
		Data: encode(deviceRecord{CreatedAt: d.CreatedAt, LastSeen: d.LastSeen, Label: d.Label}),
	}))
}

// Rotate answers ErrNotFound if the browser is no user's device.
func (t *devices) Rotate(ctx context.Context, id string, hash []byte, at time.Time) error {
	if !plain(id) {
		return identity.ErrNotFound
	}
	rows, err := t.q.RotateDevice(ctx, sqlc.RotateDeviceParams{
		TenantID: t.tenant, ID: id, SecretHash: orNull(hash), RotatedAt: moment(at),
	})
	return one(rows, err, identity.ErrNotFound)
}

func (t *devices) Delete(ctx context.Context, id, user string) error {
	if !plain(id, user) {
		return identity.ErrNotFound
	}
	rows, err := t.q.DeleteDevice(ctx, t.tenant, id, user)
	return one(rows, err, identity.ErrNotFound)
}

func device(r sqlc.DevicesByIDRow) (identity.Device, error) {
	var d deviceRecord
	err := decode(r.Data, &d)
	out := identity.Device{
		ID: r.ID, User: r.UserID, SecretHash: orNull(r.SecretHash), PrevHash: orNull(r.PrevHash),
		CreatedAt: d.CreatedAt, LastSeen: d.LastSeen, Label: d.Label,
	}
	if r.RotatedAt != 0 {
		out.RotatedAt = time.UnixMicro(r.RotatedAt).UTC()
	}
	return out, err
}

// moment is a time as a column; 0 is the zero time.
func moment(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

type lanes txn

// laneRecord is the JSON of a lane.
type laneRecord struct {
	Days     []identity.DayMass `json:"days,omitempty"`
	Failures int                `json:"failures,omitempty"`
	LastFail time.Time          `json:"lastFail,omitzero"`
}

func (t *lanes) Load(ctx context.Context, subject string) ([]identity.Lane, error) {
	if !plain(subject) {
		return nil, nil
	}
	rows, err := t.q.Lanes(ctx, t.tenant, subject)
	return collect(rows, err, func(r sqlc.LanesRow) (identity.Lane, error) {
		var d laneRecord
		err := decode(r.Data, &d)
		return identity.Lane{
			Subject: subject, Name: r.Name, Version: r.Version,
			Days: d.Days, Failures: d.Failures, LastFail: d.LastFail,
		}, err
	})
}

func (t *lanes) Save(ctx context.Context, l identity.Lane) error {
	if !plain(l.Subject, l.Name) {
		return identity.ErrInvalid
	}
	var rows int64
	var err error
	data := encode(laneRecord{Days: l.Days, Failures: l.Failures, LastFail: l.LastFail})
	now := t.store.now().UnixMicro()
	if l.Version == 0 {
		rows, err = t.q.InsertLane(ctx, sqlc.InsertLaneParams{
			TenantID: t.tenant, Subject: l.Subject, Name: l.Name, WrittenAt: now, Data: data,
		})
	} else {
		rows, err = t.q.SaveLane(ctx, sqlc.SaveLaneParams{
			TenantID: t.tenant, Subject: l.Subject, Name: l.Name, Version: l.Version, WrittenAt: now, Data: data,
		})
	}
	return one(rows, err, identity.ErrConflict)
}

func (t *lanes) Sweep(ctx context.Context, before time.Time) error {
	_, err := t.q.SweepLanes(ctx, t.tenant, before.UnixMicro())
	return wrap(err)
}
