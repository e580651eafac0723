package edge

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// pages is a room with every way to answer.
func pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<p>hello")) })
	mux.HandleFunc("GET /error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) })
	mux.HandleFunc("GET /redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/page/1", http.StatusSeeOther) })
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("seed JBSWY3DPEHPK3PXP") })
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		if _, err := Form(r); err != nil {
			Fail(w, r, err)
		}
	})
	return mux
}

func TestH29_EveryAnswerForbidsFraming(t *testing.T) {
	h, _ := front(t, pages())
	foreign := request("GET", "/page/1", "")
	foreign.Host = "evil.test"
	chunked := request("POST", "/form", "a="+strings.Repeat("b", 1<<17))
	chunked.ContentLength = -1
	chunked.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, test := range map[string]struct {
		r    *http.Request
		want int
	}{
		"page":             {request("GET", "/page/1", ""), 200},
		"plain error":      {request("GET", "/error", ""), 418},
		"redirect":         {request("GET", "/redirect", ""), 303},
		"panic":            {request("GET", "/panic", ""), 500},
		"unknown path":     {request("GET", "/nowhere", ""), 404},
		"wrong method":     {request("DELETE", "/page/1", ""), 405},
		"unknown host":     {foreign, 404},
		"too large":        {request("POST", "/form", "a="+strings.Repeat("b", 1<<17)), 413},
		"too large, later": {chunked, 413},
		"wrong type":       {request("POST", "/form", "a=b"), 415},
	} {
		w := serve(h, test.r)
		if w.Code != test.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, test.want)
		}
		get := w.Header().Get
		csp := get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp+";", directive+";") {
				t.Errorf("%s: no %s in %q", name, directive, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %q", name, csp)
		}
		for header, want := range map[string]string{
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": transport,
		} {
			if got := get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if !strings.Contains(get("Permissions-Policy"), "publickey-credentials-get=(self)") || get("X-Request-Id") == "" {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}

func TestStrictTransportIsForRealHosts(t *testing.T) {
	for _, test := range []struct {
		secure bool
		host   string
		want   string
	}{
		{true, "login.example.com", transport},
		{true, "login.example.com:8443", transport},
		{false, "login.example.com", ""},
		{true, "localhost:8443", ""},
		{true, "acme.localhost:8443", ""},
		{true, "127.0.0.1:8443", ""},
		{true, "[::1]:8443", ""},
		{true, "notlocalhost", transport},
	} {
		r := request("GET", "/", "")
		r.Host = test.host
		if got := serve(Headers(test.secure, http.HandlerFunc(ok)), r).Header().Get("Strict-Transport-Security"); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestC35_FormActionNamesTheRedirectOrigin(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example.com/callback?x=1":   "https://app.example.com",
		"https://APP.example.com:8443/callback":  "https://app.example.com:8443",
		"http://localhost:5173/callback":         "http://localhost:5173",
		"http://127.0.0.1:7777/":                 "http://127.0.0.1:7777",
		"com.example.app:/callback":              "com.example.app:",
		"COM.example.app:/callback":              "com.example.app:",
		"https://app.example.com":                "https://app.example.com",
		"http://[::1]:7777/":                     "",
		"javascript:alert(1)":                    "",
		"data:text/html,x":                       "",
		"https:":                                 "",
		"*":                                      "",
		"https://*":                              "",
		"https://*.example.com/":                 "",
		"https://a.example.com; script-src *":    "",
		"https://a.example.com;script-src/x":     "",
		"https://a.example.com https://evil/":    "",
		"https://user@evil.test/":                "",
		"https://exämple.com/":                   "",
		"https://a.example.com,b/":               "",
		"https://a.example.com:/":                "",
		"https://a.example.com:80x/":             "",
		"/relative":                              "",
		"":                                       "",
		"'unsafe-inline'":                        "",
		"https://a.example.com\r\nX-Evil: y/":    "",
		"https://a.example.com%0d%0aX-Evil: y/x": "",
	} {
		source, ok := CSPSource(uri)
		if source != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", uri, source, want)
		}
		w := httptest.NewRecorder()
		SetCSP(w, uri, "https://second.example.com/cb", uri)
		action := "form-action 'self'"
		if want != "" {
			action += " " + want
		}
		if want != "https://second.example.com" {
			action += " https://second.example.com"
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "; "+action+"; frame-ancestors 'none'") {
			t.Errorf("%q: %s", uri, csp)
		}
	}
}

func FuzzCSPSource(f *testing.F) {
	f.Add("https://app.example.com/cb")
	f.Add("com.example.app:/cb")
	f.Add("https://a;b,c 'd'/")
	f.Fuzz(func(t *testing.T, uri string) {
		source, ok := CSPSource(uri)
		if ok == (source == "") || !made(source, 0, 1<<20, ":/.-+") {
			t.Fatalf("%q gives %q, %v", uri, source, ok)
		}
	})
}

func TestC33_PopupHasNoOpenerPolicy(t *testing.T) {
	w := serve(Headers(true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { AllowPopup(w) })), request("GET", "/", ""))
	if _, has := w.Header()["Cross-Origin-Opener-Policy"]; has || w.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("%v", w.Header())
	}
}
