package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// oauthError is an error as an application is told it (RFC 6749, 4.1.2.1 and
// 5.2). description never holds what was sent to us, nor internals.
type oauthError struct {
	code        string
	description string
	status      int           // 0 means 400
	challenge   string        // WWW-Authenticate
	retry       time.Duration // with 503
}

func (e *oauthError) Error() string { return e.code + ": " + e.description }

func (e *oauthError) httpStatus() int {
	if e.status == 0 {
		return http.StatusBadRequest
	}
	return e.status
}

func refuse(code, description string) *oauthError {
	return &oauthError{code: code, description: description}
}

func invalidRequest(description string) *oauthError { return refuse("invalid_request", description) }
func invalidGrant(description string) *oauthError   { return refuse("invalid_grant", description) }

// toOAuth puts any error into OAuth's words. What is of no known kind is
// server_error and shows nothing of itself.
func toOAuth(err error) *oauthError {
	var known *oauthError
	if errors.As(err, &known) {
		return known
	}
	status := edge.Status(err)
	switch status {
	case http.StatusRequestEntityTooLarge:
		return &oauthError{code: "invalid_request", description: "The request is too large.", status: status}
	case http.StatusUnsupportedMediaType:
		return &oauthError{code: "invalid_request", description: "The body must be application/x-www-form-urlencoded.", status: status}
	case http.StatusBadRequest:
		var fault *identity.Fault
		if errors.As(err, &fault) {
			return invalidRequest(fault.Message)
		}
		return invalidRequest("The request is malformed.")
	case http.StatusServiceUnavailable, http.StatusConflict, http.StatusTooManyRequests:
		if status == http.StatusConflict {
			status = http.StatusServiceUnavailable // a lost compare-and-swap: the next try sees the change
		}
		retry, _ := identity.RetryAfter(err)
		return &oauthError{code: "temporarily_unavailable", description: "Try again later.", status: status, retry: max(retry, time.Second)}
	}
	return &oauthError{code: "server_error", description: "Something went wrong here.", status: http.StatusInternalServerError}
}

// api answers the errors of h as JSON.
func (e *endpoints) api(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		o := e.noted(r, err)
		if o.challenge != "" {
			w.Header().Set("WWW-Authenticate", o.challenge)
		}
		if o.retry > 0 {
			edge.SetRetryAfter(w, o.retry)
		}
		body := map[string]string{"error": o.code}
		if o.description != "" {
			body["error_description"] = o.description
		}
		_ = writeJSON(w, o.httpStatus(), body)
	})
}

// page answers the errors of h as a page: nothing that reaches it may be
// redirected.
func (e *endpoints) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			// The mux lets HEAD through with GET; a look must begin nothing.
			w.Header().Set("Allow", "GET, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if err := h(w, r); err != nil {
			o := e.noted(r, err)
			if o.retry > 0 {
				edge.SetRetryAfter(w, o.retry)
			}
			e.ErrorPage(w, r, o.httpStatus(), o.code, o.description)
		}
	})
}

// noted translates an error, and logs what the caller is not told.
func (e *endpoints) noted(r *http.Request, err error) *oauthError {
	o := toOAuth(err)
	if o.status == http.StatusInternalServerError {
		edge.LogOf(r.Context()).ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	}
	return o
}

// writeJSON answers with what no cache may keep (RFC 6749, 5.1).
func writeJSON(w http.ResponseWriter, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client may be gone
	return nil
}
