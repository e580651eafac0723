package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// digestRemoved marks what the file declared once and no longer does. It tells
// an entry that the file took away, and may bring back, from one that an
// operator disabled.
const digestRemoved = "removed"

// applier brings the database to what the file declares (C-40). Each tenant is
// one transaction that compares digests first: whoever comes second, on another
// node or after a restart, finds them equal and changes nothing. An entry that
// went missing is disabled, never deleted, and what an operator disabled stays so.
type applier struct {
	store  identity.Store
	now    func() time.Time
	random io.Reader
}

// apply reports how many objects it changed.
func (a applier) apply(ctx context.Context, declared []config.Declared) (int, error) {
	have, err := a.store.Tenants(ctx)
	if err != nil {
		return 0, err
	}
	if err := hostsAreFree(have, declared); err != nil {
		return 0, err
	}
	changed := 0
	for _, d := range declared {
		n, err := a.tenant(ctx, d, find(have, d.Tenant.ID))
		if err != nil {
			return changed, fmt.Errorf("tenant %s: %w", d.Tenant.ID, err)
		}
		changed += n
	}
	for _, t := range have {
		if !declares(declared, t.ID) && t.Digest != "" && t.Digest != digestRemoved {
			if err := a.removeTenant(ctx, t); err != nil {
				return changed, fmt.Errorf("tenant %s: %w", t.ID, err)
			}
			changed++
		}
	}
	return changed, nil
}

func find(tenants []identity.Tenant, id string) *identity.Tenant {
	for i := range tenants {
		if tenants[i].ID == id {
			return &tenants[i]
		}
	}
	return nil
}

// hostsAreFree refuses an issuer whose host a tenant has that the file does not
// speak of: two tenants on one host would both be out of reach.
func hostsAreFree(have []identity.Tenant, declared []config.Declared) error {
	for _, d := range declared {
		for _, t := range have {
			if t.Host() == d.Tenant.Host() && !declares(declared, t.ID) {
				return next(fmt.Errorf("the host %s belongs to tenant %q in the database", t.Host(), t.ID),
					"keep that id in the file, or give tenant %q another issuer", d.Tenant.ID)
			}
		}
	}
	return nil
}

func declares(declared []config.Declared, id string) bool {
	return slices.ContainsFunc(declared, func(d config.Declared) bool { return d.Tenant.ID == id })
}

func (a applier) tenant(ctx context.Context, d config.Declared, have *identity.Tenant) (int, error) {
	changed := 0
	if have == nil || have.Digest != d.Tenant.Digest {
		t := d.Tenant
		t.Disabled = have != nil && have.Disabled && have.Digest != digestRemoved
		if err := a.store.PutTenant(ctx, t); err != nil {
			return 0, err
		}
		changed = 1
	}
	var applications int
	err := a.store.Update(ctx, d.Tenant.ID, func(tx identity.Tx) error {
		names, err := a.applications(ctx, tx, d)
		applications = len(names)
		if err != nil || len(names)+changed == 0 {
			return err
		}
		return tx.Events.Append(ctx, a.event(d.Tenant.Digest, changed > 0, names))
	})
	return changed + applications, err
}

// applications puts those that are new and disables those that are gone.
func (a applier) applications(ctx context.Context, tx identity.Tx, d config.Declared) ([]string, error) {
	list, err := tx.Applications.List(ctx)
	if err != nil {
		return nil, err
	}
	have := map[string]identity.Application{}
	for _, app := range list {
		have[app.ID] = app
	}
	var changed []string
	for i, app := range d.Applications {
		old, known := have[app.ID]
		delete(have, app.ID)
		if known && old.Digest == app.Digest {
			continue
		}
		sealed, err := d.Seal(i, a.random)
		if err != nil {
			return nil, err
		}
		sealed.Disabled = known && old.Disabled && old.Digest != digestRemoved
		if err := tx.Applications.Put(ctx, sealed); err != nil {
			return nil, err
		}
		changed = append(changed, app.ID)
	}
	for _, old := range list {
		if _, gone := have[old.ID]; !gone || old.Digest == "" || old.Digest == digestRemoved {
			continue
		}
		old.Disabled, old.Digest = true, digestRemoved
		if err := flow.Withdraw(ctx, tx, old, a.now().UTC()); err != nil {
			return nil, err
		}
		if err := tx.Applications.Put(ctx, old); err != nil {
			return nil, err
		}
		changed = append(changed, old.ID+" (removed)")
	}
	return changed, nil
}

func (a applier) removeTenant(ctx context.Context, t identity.Tenant) error {
	event := a.event(digestRemoved, true, nil)
	err := a.store.Update(ctx, t.ID, func(tx identity.Tx) error { return tx.Events.Append(ctx, event) })
	t.Disabled, t.Digest = true, digestRemoved
	return errors.Join(err, a.store.PutTenant(ctx, t))
}

func (a applier) event(digest string, tenant bool, applications []string) identity.Event {
	now := a.now().UTC()
	data := map[string]string{"digest": digest}
	if tenant {
		data["tenant"] = "changed"
	}
	if len(applications) > 0 {
		data["applications"] = strings.Join(applications, ", ")
	}
	return identity.Event{
		ID: identity.NewID("evt", now, a.random), At: now, Type: identity.EventConfigApplied, Outcome: identity.Succeeded,
		Actor: "system", Data: data,
	}
}
