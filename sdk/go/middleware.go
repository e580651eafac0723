package intelliauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type tokenKey struct{}

// FromContext returns the token of a request that passed [Verifier.Authenticate].
func FromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(*Token)
	return t, ok
}

// Check checks the access token of a request: as Bearer, or as DPoP with a proof
// where it is bound to a key, and whether it was taken back. Faults are *Error.
func (v *Verifier) Check(r *http.Request) (*Token, error) {
	scheme, compact, err := presented(r)
	if err != nil {
		return nil, err
	}
	t, err := v.Verify(r.Context(), compact)
	if err != nil {
		return nil, in(scheme, err)
	}
	switch {
	case t.Key == "" && scheme != "Bearer":
		return nil, in(scheme, bad(CodeInvalidToken, "The access token is bound to no key: send it as Bearer."))
	case t.Key != "" && scheme != "DPoP":
		return nil, in("DPoP", bad(CodeInvalidToken, "The access token is bound to a key: send it as DPoP, with a proof."))
	case t.Key != "":
		if err := v.proofOf(r, compact, t); err != nil {
			return nil, in(scheme, err)
		}
	}
	if v.feed != nil {
		if err := v.feed.judge(t, keyID(compact)); err != nil {
			return nil, in(scheme, err)
		}
	}
	return t, nil
}

// presented reads the one access token of a request, from its one header.
func presented(r *http.Request) (scheme, compact string, err error) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return "", "", &Error{Code: CodeMissing, Description: "An access token is needed.", Status: http.StatusUnauthorized, noDetail: true}
	case 1:
	default:
		return "", "", &Error{Code: CodeInvalidRequest, Description: "There is more than one Authorization header.", Status: http.StatusBadRequest}
	}
	scheme, compact, found := strings.Cut(headers[0], " ")
	for _, known := range []string{"Bearer", "DPoP"} {
		if found && strings.EqualFold(scheme, known) {
			return known, strings.TrimLeft(compact, " "), nil
		}
	}
	return "", "", bad(CodeInvalidToken, "The access token must come as Bearer or DPoP.")
}

func in(scheme string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.scheme = scheme
	}
	return err
}

// keyID reads the kid of a token that was checked.
func keyID(compact string) string {
	head, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return ""
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	_ = json.Unmarshal(raw, &header)
	return header.KeyID
}

// Authenticate lets requests with a good access token pass to next, which finds
// it by [FromContext]. It works with any router that takes http.Handler.
func (v *Verifier) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := v.Check(r)
		if err != nil {
			Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
	})
}

// Require lets requests pass whose token shows a level, by proofs no older than
// maxAge; 0 means any age. It stands behind [Verifier.Authenticate]; without it,
// and for tokens that say nothing of a level, it refuses.
func Require(level AAL, maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, ok := FromContext(r.Context())
			if !ok {
				Refuse(w, r, &Error{Code: CodeMissing, Description: "An access token is needed.", Status: http.StatusUnauthorized, noDetail: true})
				return
			}
			fresh := maxAge <= 0 || !t.AuthTime.IsZero() && t.now().Sub(t.AuthTime) <= maxAge
			if t.AAL < level || !fresh {
				Refuse(w, r, &Error{
					Code: CodeMFARequired, Description: "A stronger or newer sign-in is required.", Status: http.StatusUnauthorized,
					scheme: schemeOf(t), level: level, maxAge: maxAge,
				})
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// RequireScope lets requests pass whose token has all of these scopes. It stands
// behind [Verifier.Authenticate].
func RequireScope(scopes ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, ok := FromContext(r.Context())
			for _, scope := range scopes {
				if !ok || !t.HasScope(scope) {
					Refuse(w, r, &Error{
						Code: CodeInsufficientScope, Description: "The token has not the scope " + scope + ".", Status: http.StatusForbidden,
						scheme: schemeOf(t), scopes: strings.Join(scopes, " "),
					})
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func schemeOf(t *Token) string {
	if t != nil && t.Key != "" {
		return "DPoP"
	}
	return "Bearer"
}

// Refuse answers a request with an error of this package: status, challenge (RFC
// 6750, 9449, 9470) and a problem (RFC 9457). Other errors become a blank 500.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: "internal", Description: "Something went wrong.", Status: http.StatusInternalServerError}
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusBadRequest {
		w.Header().Set("WWW-Authenticate", e.challenge())
	}
	if e.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	body := map[string]any{
		"type": "urn:intelliauth:problem:" + e.Code, "title": http.StatusText(e.Status), "status": e.Status, "code": e.Code, "detail": e.Description,
	}
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 {
		body["requestId"] = id
	}
	if e.Code == CodeMFARequired {
		body["requiredAal"] = int(e.level)
		if e.maxAge > 0 {
			body["maxAge"] = int(e.maxAge / time.Second)
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// challenge is the value of WWW-Authenticate.
func (e *Error) challenge() string {
	scheme := e.scheme
	if scheme == "" {
		scheme = "Bearer"
	}
	if e.noDetail {
		return scheme
	}
	code := e.Code
	switch code {
	case CodeMFARequired:
		code = "insufficient_user_authentication"
	case CodeRevoked:
		code = CodeInvalidToken
	}
	out := fmt.Sprintf(`%s error="%s", error_description="%s"`, scheme, code, e.Description)
	if e.Code == CodeMFARequired {
		out += `, acr_values="` + e.level.String() + `"`
		if e.maxAge > 0 {
			out += `, max_age="` + strconv.Itoa(int(e.maxAge/time.Second)) + `"`
		}
	}
	if e.scopes != "" {
		out += `, scope="` + e.scopes + `"`
	}
	if scheme == "DPoP" {
		out += `, algs="` + proofAlgorithms + `"`
	}
	return out
}
