package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type applications txn

func (t *applications) ByID(ctx context.Context, id string) (identity.Application, error) {
	if !plain(id) {
		return identity.Application{}, identity.ErrNotFound
	}
	row, err := t.q.Application(ctx, t.tenant, id)
	if err != nil {
		return identity.Application{}, wrap(err)
	}
	return application(row.Digest, row.Data)
}

func (t *applications) List(ctx context.Context) ([]identity.Application, error) {
	rows, err := t.q.Applications(ctx, t.tenant)
	return collect(rows, err, func(r sqlc.ApplicationsRow) (identity.Application, error) {
		return application(r.Digest, r.Data)
	})
}

func (t *applications) Put(ctx context.Context, a identity.Application) error {
	if a.ID == "" || !plain(a.ID, a.Digest) {
		return identity.ErrInvalid
	}
	err := t.q.PutApplication(ctx, sqlc.PutApplicationParams{
		TenantID: t.tenant, ID: a.ID, Digest: a.Digest, Data: encode(a),
	})
	if err != nil {
		return wrap(err)
	}
	return wrap(t.q.RaiseMeta(ctx, metaGeneration))
}

func application(digest, data string) (identity.Application, error) {
	var a identity.Application
	err := decode(data, &a)
	a.Digest = digest
	return a, err
}

type signingKeys txn

// keyRecord is the JSON of a signing key.
type keyRecord struct {
	Algorithm string     `json:"algorithm"`
	Public    []byte     `json:"public"`
	CreatedAt time.Time  `json:"createdAt"`
	ActiveAt  time.Time  `json:"activeAt"`
	RetiredAt *time.Time `json:"retiredAt,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
}

// List returns the keys, oldest first.
func (t *signingKeys) List(ctx context.Context) ([]identity.SigningKey, error) {
	rows, err := t.q.SigningKeys(ctx, t.tenant)
	keys, err := collect(rows, err, func(r sqlc.SigningKeysRow) (identity.SigningKey, error) {
		var d keyRecord
		if err := decode(r.Data, &d); err != nil {
			return identity.SigningKey{}, err
		}
		private, err := t.ring.open((*txn)(t).at("signing_keys", "private", r.ID, ""), r.Private)
		return identity.SigningKey{
			ID: r.ID, Algorithm: d.Algorithm, Public: d.Public, Private: private,
			CreatedAt: d.CreatedAt, ActiveAt: d.ActiveAt, RetiredAt: d.RetiredAt, ExpiresAt: d.ExpiresAt,
		}, err
	})
	slices.SortFunc(keys, func(a, b identity.SigningKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return keys, err
}

func (t *signingKeys) Put(ctx context.Context, k identity.SigningKey) error {
	if k.ID == "" || !plain(k.ID) {
		return identity.ErrInvalid
	}
	err := t.q.PutSigningKey(ctx, sqlc.PutSigningKeyParams{
		TenantID: t.tenant, ID: k.ID,
		Private: t.ring.seal((*txn)(t).at("signing_keys", "private", k.ID, ""), k.Private),
		Data: encode(keyRecord{
			Algorithm: k.Algorithm, Public: k.Public,
			CreatedAt: k.CreatedAt, ActiveAt: k.ActiveAt, RetiredAt: k.RetiredAt, ExpiresAt: k.ExpiresAt,
		}),
	})
	if err != nil {
		return wrap(err)
	}
	return wrap(t.q.RaiseMeta(ctx, metaGeneration))
}

// collect turns rows into nouns; the first bad row is an error for all.
func collect[R, N any](rows []R, err error, noun func(R) (N, error)) ([]N, error) {
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]N, len(rows))
	for i, r := range rows {
		if out[i], err = noun(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
