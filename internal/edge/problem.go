package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Codes of faults that are answered with 429.
const (
	tooManyRequests = "too_many_requests"
	tooManyAttempts = "too_many_attempts"
	sendLimited     = "send_limited"
)

// Problem answers with problem details (RFC 9457): type, title, status, detail,
// code and requestId, and the members of extra, which cannot replace those.
// Without a code the type is about:blank.
func Problem(w http.ResponseWriter, r *http.Request, status int, code, detail string, extra map[string]any) {
	problem := map[string]any{}
	maps.Copy(problem, extra)
	problem["type"] = "about:blank"
	problem["title"] = http.StatusText(status)
	problem["status"] = status
	optional(problem, "detail", detail)
	optional(problem, "code", code)
	optional(problem, "requestId", RequestID(r.Context()))
	if code != "" {
		problem["type"] = "urn:intelliauth:problem:" + code
	}
	body, err := json.Marshal(problem)
	if err != nil { // something in extra
		LogOf(r.Context()).ErrorContext(r.Context(), "problem cannot be encoded", "code", code)
		body = []byte(`{"type":"about:blank"}`)
	}
	answer(w, status, "application/problem+json", body)
}

func optional(problem map[string]any, member, value string) {
	delete(problem, member)
	if value != "" {
		problem[member] = value
	}
}

func answer(w http.ResponseWriter, status int, mediaType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// Status returns the HTTP status of an error by its kind. What is of no known
// kind is 500.
func Status(err error) int {
	status, _ := kindOf(err)
	return status
}

// kindOf returns the status of an error, and the code that it has where a fault
// gives none.
func kindOf(err error) (status int, code string) {
	var fault *identity.Fault
	if errors.As(err, &fault) && slices.Contains([]string{tooManyRequests, tooManyAttempts, sendLimited}, fault.Code) {
		return http.StatusTooManyRequests, fault.Code
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, "too_large"
	}
	for _, kind := range []struct {
		is     error
		status int
		code   string
	}{
		{ErrMediaType, http.StatusUnsupportedMediaType, "unsupported_media_type"},
		{identity.ErrInvalid, http.StatusBadRequest, "invalid_request"},
		{identity.ErrForbidden, http.StatusForbidden, "forbidden"},
		{identity.ErrForeign, http.StatusForbidden, "foreign_browser"},
		{identity.ErrNotFound, http.StatusNotFound, "not_found"},
		{identity.ErrTaken, http.StatusGone, "gone"},
		{identity.ErrExpired, http.StatusGone, "gone"},
		{identity.ErrConflict, http.StatusConflict, "conflict"},
		{identity.ErrOverloaded, http.StatusServiceUnavailable, "overloaded"},
		{context.Canceled, http.StatusServiceUnavailable, "overloaded"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "overloaded"},
	} {
		if errors.Is(err, kind.is) {
			return kind.status, kind.code
		}
	}
	return http.StatusInternalServerError, "internal"
}

// Fail answers an error as a problem. Only a fault's own code and message are
// shown; an error of no known kind is logged and answered with nothing but the
// request id to find it by.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	status, code := kindOf(err)
	detail := ""
	if fault := new(identity.Fault); errors.As(err, &fault) {
		detail = fault.Message
		if fault.Code != "" {
			code = fault.Code
		}
	}
	if status == http.StatusInternalServerError {
		detail, code = "", "internal"
		LogOf(r.Context()).ErrorContext(r.Context(), "request failed", "error", err)
	}
	retry, waits := identity.RetryAfter(err)
	if waits || status == http.StatusServiceUnavailable {
		SetRetryAfter(w, retry)
	}
	Problem(w, r, status, code, detail, nil)
}

// SetRetryAfter tells a client to wait, in whole seconds rounded up, and one at
// least (RFC 9110, 10.2.3).
func SetRetryAfter(w http.ResponseWriter, wait time.Duration) {
	seconds := max(1, int64((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
}

// blank answers what happens before any room with pages is reached: to a browser
// that asks for a page, a page of one sentence; to others a problem.
func blank(w http.ResponseWriter, r *http.Request, status int, code, sentence string) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		Problem(w, r, status, code, sentence, nil)
		return
	}
	page := fmt.Sprintf("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>%[1]s</title></head>"+
		"<body><main><h1>%[1]s</h1><p>%[2]s</p></main></body></html>\n",
		html.EscapeString(sentence), html.EscapeString(RequestID(r.Context())))
	answer(w, status, "text/html; charset=utf-8", []byte(page))
}
