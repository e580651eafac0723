package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestFailMapsKinds(t *testing.T) {
	secret := "JBSWY3DPEHPK3PXP"
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
		detail string
		retry  string
	}{
		"invalid":           {identity.Invalid("code_invalid", "That code is wrong."), 400, "code_invalid", "That code is wrong.", ""},
		"invalid, bare":     {fmt.Errorf("read %s: %w", secret, identity.ErrInvalid), 400, "invalid_request", "", ""},
		"forbidden":         {identity.Forbidden("step_up_required", "No."), 403, "step_up_required", "No.", ""},
		"foreign":           {identity.ErrForeign, 403, "foreign_browser", "", ""},
		"not found":         {fmt.Errorf("load: %w", identity.ErrNotFound), 404, "not_found", "", ""},
		"taken":             {identity.ErrTaken, 410, "gone", "", ""},
		"expired":           {&identity.Fault{Kind: identity.ErrExpired, Code: "flow_expired"}, 410, "flow_expired", "", ""},
		"conflict":          {identity.ErrConflict, 409, "conflict", "", ""},
		"overloaded":        {&identity.Fault{Kind: identity.ErrOverloaded, Retry: 2100 * time.Millisecond}, 503, "overloaded", "", "3"},
		"overloaded, bare":  {identity.ErrOverloaded, 503, "overloaded", "", "1"},
		"too many attempts": {&identity.Fault{Kind: identity.ErrForbidden, Code: "too_many_attempts", Retry: time.Hour}, 429, "too_many_attempts", "", "3600"},
		"too large":         {fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}), 413, "too_large", "", ""},
		"media type":        {ErrMediaType, 415, "unsupported_media_type", "", ""},
		"given up":          {context.Canceled, 503, "overloaded", "", "1"},
		"out of time":       {fmt.Errorf("commit: %w", context.DeadlineExceeded), 503, "overloaded", "", "1"},
		"unknown":           {errors.New("dial " + secret), 500, "internal", "", ""},
		"unknown fault":     {&identity.Fault{Kind: errors.New("odd"), Code: "odd", Message: secret}, 500, "internal", "", ""},
	} {
		h, lines := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Fail(w, r, test.err) }))
		w := serve(h, request("GET", "/", ""))
		p := problemOf(t, w)
		detail, _ := p["detail"].(string)
		if w.Code != test.status || Status(test.err) != test.status || p["code"] != test.code || detail != test.detail || w.Header().Get("Retry-After") != test.retry {
			t.Errorf("%s: %d %v, retry after %q", name, w.Code, p, w.Header().Get("Retry-After"))
		}
		if p["requestId"] == "" || p["requestId"] != w.Header().Get("X-Request-Id") || p["title"] != http.StatusText(test.status) || p["type"] != "urn:intelliauth:problem:"+test.code {
			t.Errorf("%s: %v", name, p)
		}
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s: the answer shows internals: %s", name, w.Body)
		}
		if found := strings.Contains(lines.String(), `"msg":"request failed"`); found != (test.status == 500) {
			t.Errorf("%s: logged as a failure: %v", name, found)
		}
		if test.status == 500 && !strings.Contains(lines.String(), fmt.Sprintf(`"request":%q`, p["requestId"])) {
			t.Errorf("%s: the log has no request id: %s", name, lines)
		}
	}
}

func TestProblemExtraCannotReplaceOurs(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Problem(w, r, 401, "mfa_required", "Prove again.", map[string]any{
			"requiredAal": 2, "maxAge": 300, "status": 200, "code": "fine", "requestId": "x", "title": "x", "detail": "x", "type": "x",
		})
	})
	p := problemOf(t, serve(h, request("GET", "/", "")))
	if p["code"] != "mfa_required" || p["requiredAal"] != 2.0 || p["maxAge"] != 300.0 || p["title"] != "Unauthorized" || p["detail"] != "Prove again." {
		t.Errorf("%v", p)
	}
	if _, has := p["requestId"]; has {
		t.Errorf("a made-up request id: %v", p)
	}
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Problem(w, r, 404, "", "", map[string]any{"bad": func() {}})
	})
	if w := serve(plain, request("GET", "/", "")); w.Code != 404 || w.Body.String() != `{"type":"about:blank"}` {
		t.Errorf("what cannot be encoded: %d %s", w.Code, w.Body)
	}
}

func TestBlankPageIsEscaped(t *testing.T) {
	w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Accept", "text/html")
		blank(w, r, 404, "x", "<script>")
	}), request("GET", "/", ""))
	if strings.Contains(w.Body.String(), "<script>") || !strings.Contains(w.Body.String(), "&lt;script&gt;") {
		t.Error(w.Body)
	}
}
