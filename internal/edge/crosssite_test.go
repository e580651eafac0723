package edge

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestH28_CrossSiteRequestsAreRefused(t *testing.T) {
	reached := false
	h, _ := front(t, CrossSite(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })))
	for name, test := range map[string]struct {
		method  string
		headers map[string]string
		ok      bool
	}{
		"own form":                  {"POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://login.example.com"}, true},
		"own form, no-referrer":     {"POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, true},
		"own, by Origin alone":      {"POST", map[string]string{"Origin": "https://login.example.com"}, true},
		"no browser":                {"POST", nil, true},
		"typed by the person":       {"POST", map[string]string{"Sec-Fetch-Site": "none"}, true},
		"link from elsewhere":       {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, true},
		"cross-site":                {"POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, false},
		"sibling host":              {"POST", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://blog.example.com"}, false},
		"sandboxed, cross-site":     {"POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, false},
		"sandboxed, no metadata":    {"POST", map[string]string{"Origin": "null"}, false},
		"foreign by Origin alone":   {"POST", map[string]string{"Origin": "https://evil.test"}, false},
		"own host over plain http":  {"POST", map[string]string{"Origin": "http://login.example.com"}, false},
		"own host on another port":  {"POST", map[string]string{"Origin": "https://login.example.com:8443"}, false},
		"metadata against Origin":   {"POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.test"}, false},
		"own host with a tail":      {"POST", map[string]string{"Origin": "https://login.example.com.evil.test"}, false},
		"cross-site delete":         {"DELETE", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		"cross-site, made-up verb":  {"FROB", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		"metadata of unknown value": {"POST", map[string]string{"Sec-Fetch-Site": "friendly"}, false},
	} {
		reached = false
		r := request(test.method, "/", "")
		for k, v := range test.headers {
			r.Header.Set(k, v)
		}
		w := serve(h, r)
		if reached != test.ok || !test.ok && w.Code != http.StatusForbidden {
			t.Errorf("%s: reached %v, status %d", name, reached, w.Code)
		}
		if !test.ok {
			if p := problemOf(t, w); p["code"] != "cross_site" {
				t.Errorf("%s: %v", name, p)
			}
		}
	}
	r := request("POST", "/", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	if w := serve(h, r); w.Code != 403 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") ||
		!strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) {
		t.Errorf("a browser gets %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestA08_CORS(t *testing.T) {
	var served int
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served++
		w.Header().Set("DPoP-Nonce", "n")
		w.WriteHeader(http.StatusUnauthorized)
	})
	named := CORS(func(_ *http.Request, origin string) bool { return origin == "https://app.example.com" }, next)
	anyone := CORS(func(*http.Request, string) bool { return true }, next)
	for name, test := range map[string]struct {
		h       http.Handler
		origin  string
		asked   string // method of a preflight
		status  int
		allowed string
	}{
		"named origin":               {named, "https://app.example.com", "", 401, "https://app.example.com"},
		"its preflight":              {named, "https://app.example.com", "PATCH", 204, "https://app.example.com"},
		"its preflight, odd verb":    {named, "https://app.example.com", "CONNECT", 403, ""},
		"its preflight, part of one": {named, "https://app.example.com", "ET", 403, ""},
		"another origin":             {named, "https://evil.test", "", 401, ""},
		"its preflight, too":         {named, "https://evil.test", "GET", 403, ""},
		"null":                       {anyone, "null", "", 401, ""},
		"not null":                   {anyone, "https://b.example.com", "", 401, "https://b.example.com"},
		"none":                       {named, "", "", 401, ""},
		"public":                     {PublicCORS(next), "https://anything.test", "", 401, "*"},
		"public preflight":           {PublicCORS(next), "https://anything.test", "POST", 204, "*"},
	} {
		method := "GET"
		if test.asked != "" {
			method = "OPTIONS"
		}
		r := request(method, "/", "")
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		if test.asked != "" {
			r.Header.Set("Access-Control-Request-Method", test.asked)
		}
		served = 0
		w := serve(test.h, r)
		get := w.Header().Get
		if w.Code != test.status || get("Access-Control-Allow-Origin") != test.allowed || (served == 1) != (test.asked == "") {
			t.Errorf("%s: status %d, served %d, %v", name, w.Code, served, w.Header())
		}
		if get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials", name)
		}
		if test.allowed != "*" && !slices.Contains(w.Header()["Vary"], "Origin") {
			t.Errorf("%s: Vary is %v", name, w.Header()["Vary"])
		}
		exposes := get("Access-Control-Expose-Headers")
		if test.asked == "" && test.allowed != "" && (!strings.Contains(exposes, "WWW-Authenticate") || !strings.Contains(exposes, "DPoP-Nonce") || !strings.Contains(exposes, "X-Request-Id")) {
			t.Errorf("%s: exposes %q", name, exposes)
		}
		if test.status == 204 && (!strings.Contains(get("Access-Control-Allow-Headers"), "DPoP") || get("Access-Control-Max-Age") == "") {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}
