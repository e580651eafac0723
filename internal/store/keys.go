package store

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// Purposes of a tenant's keys.
const (
	purposeData   = "data"
	purposeIndex  = "index"
	purposePepper = "pepper"
)

func wrappedAt(tenant, purpose string, id int64) place {
	return place{tenant: tenant, table: "data_keys", column: "wrapped", row: purpose + " " + strconv.FormatInt(id, 10)}
}

// createKeys gives a tenant the keys that it lacks.
func (s *Store) createKeys(ctx context.Context, q *sqlc.Queries, tenant string) error {
	have, err := q.DataKeys(ctx, tenant)
	if err != nil {
		return wrap(err)
	}
	exists := make(map[string]bool)
	for _, k := range have {
		exists[k.Purpose] = true
	}
	for _, purpose := range []string{purposeData, purposeIndex, purposePepper} {
		if exists[purpose] {
			continue
		}
		var key [keySize]byte
		if _, err := io.ReadFull(s.random, key[:]); err != nil {
			return fmt.Errorf("store: no randomness: %w", err)
		}
		rows, err := q.InsertDataKey(ctx, sqlc.InsertDataKeyParams{
			TenantID: tenant, Purpose: purpose, ID: 1, RootID: s.roots[0].id,
			Wrapped:   s.roots[0].wrap.seal(wrappedAt(tenant, purpose, 1), key[:]),
			CreatedAt: s.now().UnixMicro(),
		})
		if err := one(rows, err, identity.ErrConflict); err != nil {
			return err
		}
	}
	return nil
}

// ring returns a tenant's keys. They are read once and kept: a key never
// changes under its id, and a new root key wraps the same keys.
func (s *Store) ring(ctx context.Context, tenant string) (*ring, error) {
	if r, ok := s.rings.Load(tenant); ok {
		return r.(*ring), nil
	}
	if !plain(tenant) {
		return nil, fmt.Errorf("store: tenant: %w", identity.ErrNotFound)
	}
	var rows []sqlc.DataKeysRow
	err := s.engine.view(ctx, func(db sqlc.DBTX) (err error) {
		rows, err = sqlc.New(db).DataKeys(ctx, tenant)
		return wrap(err)
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("store: tenant %q: %w", tenant, identity.ErrNotFound)
	}
	r, err := s.unlock(tenant, rows)
	if err != nil {
		return nil, err
	}
	kept, _ := s.rings.LoadOrStore(tenant, r)
	return kept.(*ring), nil
}

func (s *Store) unlock(tenant string, rows []sqlc.DataKeysRow) (*ring, error) {
	r := &ring{all: make(map[uint32]sealer)}
	for _, row := range rows { // by purpose and id: the last one is current
		key, err := s.unwrap(row.RootID, wrappedAt(tenant, row.Purpose, row.ID), row.Wrapped)
		if err != nil {
			return nil, err
		}
		switch row.Purpose {
		case purposeData:
			if r.current, err = newSealer(uint32(row.ID), key, "seal"); err != nil {
				return nil, err
			}
			r.all[r.current.id] = r.current
		case purposeIndex:
			r.index = derive(key, "lookup")
		case purposePepper:
			r.pepper = key
		}
	}
	if r.current.aead == nil || r.index == nil || r.pepper == nil {
		return nil, fmt.Errorf("store: tenant %q lacks keys", tenant)
	}
	return r, nil
}

func (s *Store) unwrap(root string, p place, wrapped []byte) ([]byte, error) {
	for _, k := range s.roots {
		if k.id == root {
			key, err := k.wrap.open(p, wrapped)
			if err == nil && len(key) != keySize {
				err = errSealed
			}
			return key, err
		}
	}
	return nil, errRoots
}

// checkRoots fails at start, not at the first sign-in, if a root key is missing.
func (s *Store) checkRoots(ctx context.Context) error {
	return s.engine.view(ctx, func(db sqlc.DBTX) error {
		roots, err := sqlc.New(db).RootsInUse(ctx)
		if err != nil {
			return wrap(err)
		}
		known := make(map[string]bool)
		for _, k := range s.roots {
			known[k.id] = true
		}
		for _, id := range roots {
			if !known[id] {
				return errRoots
			}
		}
		return nil
	})
}

// RotateRoot wraps every tenant's keys anew under the first root key and
// returns how many it changed. After it, the older root keys open nothing and
// may be removed from the configuration. No sealed value changes.
func (s *Store) RotateRoot(ctx context.Context) (int, error) {
	n := 0
	err := s.engine.update(ctx, func(db sqlc.DBTX) error {
		n = 0
		q, first := sqlc.New(db), s.roots[0]
		rows, err := q.AllDataKeys(ctx)
		if err != nil {
			return wrap(err)
		}
		for _, row := range rows {
			if row.RootID == first.id {
				continue
			}
			p := wrappedAt(row.TenantID, row.Purpose, row.ID)
			key, err := s.unwrap(row.RootID, p, row.Wrapped)
			if err != nil {
				return err
			}
			changed, err := q.RewrapDataKey(ctx, sqlc.RewrapDataKeyParams{
				TenantID: row.TenantID, Purpose: row.Purpose, ID: row.ID,
				RootID: first.id, Wrapped: first.wrap.seal(p, key),
			})
			if err := one(changed, err, identity.ErrConflict); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// PepperFor returns 32 bytes derived for one use of one tenant, for keyed
// hashes that other rooms make: of identifiers before the first proof, of
// addresses, of passwords. The same use gives the same bytes for ever.
func (s *Store) PepperFor(ctx context.Context, tenant, use string) ([]byte, error) {
	r, err := s.ring(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return derive(r.pepper, "pepper "+use), nil
}
