package demo

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/edge"
)

// What a transfer needs.
const (
	needs   = assurance.AAL2
	freshIn = 5 * time.Minute
)

// transfer is an API route that asks for a second factor, proved lately.
type transfer struct{ Deps }

func (t *transfer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	compact, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		edge.Problem(w, r, http.StatusUnauthorized, "token_missing", "Send an access token.", nil)
		return
	}
	tenant, ok := t.Tenant(r.Context())
	if !ok {
		edge.Problem(w, r, http.StatusServiceUnavailable, "internal", "The tenant is gone.", nil)
		return
	}
	access, err := t.Keys.VerifyAccess(r.Context(), tenant, compact, t.Audience)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		edge.Problem(w, r, http.StatusUnauthorized, "invalid_token", "This token is not good here, or no longer.", nil)
		return
	}
	level, err := assurance.ParseLevel(access.ACR)
	age := t.Now().Sub(time.Unix(access.AuthTime, 0))
	if err != nil || level < needs || age > freshIn {
		insufficient(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client may be gone
		"status": "done", "amount": "100.00", "currency": "EUR", "acr": access.ACR, "secondsSinceProof": int(age.Seconds()),
	})
}

// insufficient demands a step-up (RFC 9470, section 3).
func insufficient(w http.ResponseWriter, r *http.Request) {
	seconds := int(freshIn.Seconds())
	w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", `+
		`error_description="A transfer needs a second factor, proved within five minutes", `+
		`acr_values="`+needs.String()+`", max_age="`+strconv.Itoa(seconds)+`"`)
	edge.Problem(w, r, http.StatusUnauthorized, "mfa_required", "A transfer needs a second factor, proved within five minutes.",
		map[string]any{"requiredAal": int(needs), "maxAge": seconds})
}
