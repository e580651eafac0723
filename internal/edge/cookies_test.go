package edge

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func with(cookies ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range cookies {
		r.Header.Add("Cookie", c)
	}
	return r
}

func setCookies(t *testing.T, w *httptest.ResponseRecorder) map[string]*http.Cookie {
	t.Helper()
	out := map[string]*http.Cookie{}
	for _, c := range w.Result().Cookies() {
		if out[c.Name] != nil {
			t.Errorf("cookie %s is set twice", c.Name)
		}
		out[c.Name] = c
	}
	return out
}

func TestN71_CookieAttributes(t *testing.T) {
	secret := identity.RandomToken(16, rand.Reader)
	for _, secure := range []bool{true, false} {
		c, w := Cookies{Secure: secure}, httptest.NewRecorder()
		c.SetSession(w, secret)
		c.EnsureBinding(w, with(), rand.Reader)
		c.SetDevice(w, "dev_01hzzz."+secret)
		set := setCookies(t, w)
		prefix := ""
		if secure {
			prefix = "__Host-"
		}
		for name, age := range map[string]int{"ia_session": 0, "ia_browser": 0, "ia_device": 400 * 24 * 3600} {
			got := set[prefix+name]
			if got == nil {
				t.Fatalf("secure %v: no cookie %s in %v", secure, prefix+name, w.Header())
			}
			if got.Secure != secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || got.MaxAge != age || !got.Expires.IsZero() {
				t.Errorf("%s", got)
			}
		}
	}
}

func TestCookiesComeBack(t *testing.T) {
	for _, c := range []Cookies{{true}, {false}} {
		secret, w := identity.RandomToken(16, rand.Reader), httptest.NewRecorder()
		c.SetSession(w, secret)
		c.SetDevice(w, "dev_01hzzz."+secret)
		binding := c.EnsureBinding(w, with(), rand.Reader)
		r := with()
		for _, cookie := range w.Result().Cookies() {
			r.AddCookie(cookie)
		}
		id, deviceSecret := c.Device(r)
		if c.Session(r) != secret || c.Binding(r) != binding || id != "dev_01hzzz" || deviceSecret != secret {
			t.Errorf("%+v: %q %q %q %q", c, c.Session(r), c.Binding(r), id, deviceSecret)
		}
		if other := (Cookies{!c.Secure}); other.Session(r)+other.Binding(r) != "" {
			t.Error("the other kind of cookie is read")
		}
	}
}

func TestSetCookieReplacesItself(t *testing.T) {
	c, w := Cookies{true}, httptest.NewRecorder()
	http.SetCookie(w, &http.Cookie{Name: "other", Value: "kept"})
	c.SetSession(w, strings.Repeat("a", 22))
	c.ClearSession(w)
	set := setCookies(t, w)
	if got := set["__Host-ia_session"]; got == nil || got.Value != "" || got.MaxAge != -1 || set["other"] == nil {
		t.Errorf("%v", w.Header()["Set-Cookie"])
	}
}

// H-30: what a sibling host may have planted is not used, whichever comes first.
func TestH30_PlantedCookieIsDead(t *testing.T) {
	c := Cookies{Secure: true}
	mine, planted := strings.Repeat("m", 22), strings.Repeat("p", 22)
	for name, r := range map[string]*http.Request{
		"planted first":    with("__Host-ia_session=" + planted + "; __Host-ia_session=" + mine),
		"planted last":     with("__Host-ia_session=" + mine + "; __Host-ia_session=" + planted),
		"on another line":  with("__Host-ia_session="+mine, "__Host-ia_session="+planted),
		"without prefix":   with("ia_session=" + planted),
		"prefix in lower":  with("__host-ia_session=" + planted),
		"too short":        with("__Host-ia_session=" + planted[:21]),
		"too long":         with("__Host-ia_session=" + strings.Repeat("p", 129)),
		"other characters": with("__Host-ia_session=" + planted[:20] + "+/="),
		"quoted":           with(`__Host-ia_session="` + planted + `"`),
		"empty":            with("__Host-ia_session="),
		"nameless":         with("=__Host-ia_session=" + planted),
	} {
		if got := c.Session(r); got != "" {
			t.Errorf("%s: %q is used", name, got)
		}
	}
	if got := c.Session(with("ia_session=" + planted + "; __Host-ia_session=" + mine)); got != mine {
		t.Errorf("the real one beside one without prefix: %q", got)
	}
}

func TestC35_BindingIsNeverReplaced(t *testing.T) {
	c := Cookies{Secure: true}
	have := identity.RandomToken(16, rand.Reader)
	w := httptest.NewRecorder()
	if got := c.EnsureBinding(w, with("__Host-ia_browser="+have), rand.Reader); got != have || len(w.Header()) != 0 {
		t.Errorf("got %q, set %v", got, w.Header())
	}
	for name, r := range map[string]*http.Request{
		"none": with(), "malformed": with("__Host-ia_browser=x"), "two": with("__Host-ia_browser=" + have + "; __Host-ia_browser=" + have),
	} {
		w := httptest.NewRecorder()
		first := c.EnsureBinding(w, r, rand.Reader)
		second := c.EnsureBinding(w, r, rand.Reader)
		if first == "" || first == have || first != second {
			t.Errorf("%s: %q, then %q", name, first, second)
		}
		if set := setCookies(t, w)["__Host-ia_browser"]; set == nil || set.Value != first {
			t.Errorf("%s: set %v", name, w.Header())
		}
	}
}

func TestDeviceCookieForm(t *testing.T) {
	c, secret := Cookies{}, strings.Repeat("s", 22)
	for value, want := range map[string]string{
		"dev_01hz." + secret: "dev_01hz", "dev_." + secret: "", "usr_1." + secret: "", "dev_1": "", "dev_1.": "",
		"dev_1." + secret[:21]: "", "dev_1." + secret + ".x": "", "dev_" + strings.Repeat("1", 61) + "." + secret: "",
	} {
		id, got := c.Device(with("ia_device=" + value))
		if id != want || (got == secret) != (want != "") {
			t.Errorf("%q: %q, %q", value, id, got)
		}
	}
}
