package flow

import (
	"context"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// ChangePassword sets a new password for an actor who knows the current one.
// Guesses at it spend the sign-in budget (C-20). Other sessions end.
func (e *Engine) ChangePassword(ctx context.Context, t identity.Tenant, a Actor, current, fresh string) error {
	return errUnbuilt
}

// SetName sets what a person is called, or answers identity.ErrInvalid.
func (e *Engine) SetName(ctx context.Context, t identity.Tenant, a Actor, name string) error {
	return errUnbuilt
}

// BeginAddress sends a code to a new address or number of an actor with fresh
// purpose. sentTo is masked.
func (e *Engine) BeginAddress(ctx context.Context, t identity.Tenant, a Actor, to identity.Address) (id, sentTo string, err error) {
	return "", "", errUnbuilt
}

// ConfirmAddress makes the new address the actor's by the code that was sent.
func (e *Engine) ConfirmAddress(ctx context.Context, t identity.Tenant, a Actor, id, code string) error {
	return errUnbuilt
}

// Asks lists the fields that setting up a factor takes beside a name.
func (e *Engine) Asks(name string) []string {
	f := e.factors[name]
	if f == nil {
		return nil
	}
	var out []string
	for _, field := range f.Facts().Asks {
		out = append(out, field.Name)
	}
	return out
}
