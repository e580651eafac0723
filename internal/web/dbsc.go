package web

import (
	"errors"
	"net/http"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// binding is a route that browsers ask by themselves (Device Bound Session
// Credentials). No page and no other site has business there: whatever is not as
// it should be is a short refusal, after which the browser forgets the binding.
func (s *server) binding(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-store")
		err := h(w, r)
		if errors.Is(err, identity.ErrForbidden) || errors.Is(err, identity.ErrInvalid) {
			// Not 403: to the browser that would mean that it may sign another challenge.
			edge.Problem(w, r, http.StatusBadRequest, codeInvalidRequest, "There is no session here that this binds or is bound to.", nil)
			return
		}
		if err != nil {
			edge.Fail(w, r, err)
		}
	})
}

// bind answers a browser's registration (9.10): once a session is bound, the long
// cookie opens this room's refresh and nothing else.
func (s *server) bind(w http.ResponseWriter, r *http.Request) error {
	_, compact := edge.BindingOf(r)
	if compact == "" { // which a browser sends that was given no challenge
		return identity.Forbidden("", "The registration holds no proof.")
	}
	proof, err := token.OpenBinding(compact)
	if err != nil {
		return err
	}
	tenant, browser := edge.TenantOf(r.Context()), s.browser(r)
	bound, err := s.Bindings.Bind(r.Context(), tenant, browser, flow.BindRequest{
		Registration: flow.Registration{Challenge: proof.Challenge, Authorization: proof.Authorization}, Key: proof.Key,
	})
	if errors.Is(err, identity.ErrForbidden) {
		return errors.Join(err, s.Bindings.BindingRefused(r.Context(), tenant, browser))
	}
	if err != nil {
		return err
	}
	return s.handBound(w, tenant, bound)
}

// rebind answers a browser whose short cookie is about to end: a proof of the key
// is the only thing that gets another.
func (s *server) rebind(w http.ResponseWriter, r *http.Request) error {
	ctx, tenant, browser := r.Context(), edge.TenantOf(r.Context()), s.browser(r)
	id, compact := edge.BindingOf(r)
	key, err := s.Bindings.BindingKey(ctx, tenant, browser, id)
	if err != nil {
		return err
	}
	if compact == "" {
		return s.challengeAgain(w, r, browser, id)
	}
	challenge, err := token.CheckBinding(compact, key)
	if errors.Is(err, identity.ErrInvalid) {
		if err := s.Bindings.BindingRefused(ctx, tenant, browser); err != nil {
			return err
		}
		return s.challengeAgain(w, r, browser, id)
	}
	if err != nil {
		return err
	}
	bound, err := s.Bindings.Rebind(ctx, tenant, browser, id, challenge)
	if errors.Is(err, flow.ErrStaleChallenge) {
		return s.challengeAgain(w, r, browser, id)
	}
	if err != nil {
		return err
	}
	return s.handBound(w, tenant, bound)
}

// challengeAgain has the browser sign a new challenge at once (8.8).
func (s *server) challengeAgain(w http.ResponseWriter, r *http.Request, browser flow.Browser, id string) error {
	challenge, err := s.Bindings.ChallengeBinding(r.Context(), edge.TenantOf(r.Context()), browser, id)
	if err != nil {
		return err
	}
	edge.SetBindingChallenge(w, challenge, id)
	w.WriteHeader(http.StatusForbidden)
	return nil
}

func (s *server) handBound(w http.ResponseWriter, tenant identity.Tenant, b flow.Bound) error {
	s.Cookies.SetBound(w, b.Cookie, b.Life)
	edge.SetBindingChallenge(w, b.Challenge, b.ID)
	return writeJSON(w, http.StatusOK, s.Cookies.Instruct(tenant.Issuer, b.ID))
}
