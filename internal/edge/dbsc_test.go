package edge

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestD01_HeaderNamesOfNow(t *testing.T) {
	w := httptest.NewRecorder()
	OfferBinding(w, "c", "a")
	SetBindingChallenge(w, "n", "id")
	if got := w.Header().Get("Secure-Session-Registration"); got != `(ES256 RS256);path="/dbsc/register";challenge="c";authorization="a"` {
		t.Error(got)
	}
	if got := w.Header().Get("Secure-Session-Challenge"); got != `"n";id="id"` {
		t.Error(got)
	}
	for name := range w.Header() {
		if strings.HasPrefix(name, "Sec-Session") {
			t.Errorf("%s is obsolete", name)
		}
	}
}

func TestD05_BareAndQuoted(t *testing.T) {
	for value, want := range map[string]string{
		`abc`: "abc", `"abc"`: "abc", ` "abc" `: "abc", ``: "", `"`: "", `""`: "", `"abc`: "", `abc"`: "", `"a"b"`: "", `a b`: "", `a;b`: "", `"a\\b"`: "",
		strings.Repeat("x", maxBindingHeader): strings.Repeat("x", maxBindingHeader), strings.Repeat("x", maxBindingHeader+1): "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Sec-Secure-Session-Id", value)
		r.Header.Set("Secure-Session-Response", value)
		if id, proof := BindingOf(r); id != want || proof != want {
			t.Errorf("%.20q: %.20q %.20q, want %.20q", value, id, proof, want)
		}
		r.Header.Add("Sec-Secure-Session-Id", "another")
		if id, _ := BindingOf(r); id != "" {
			t.Errorf("one of two is taken: %q", id)
		}
	}
	if id, proof := BindingOf(httptest.NewRequest(http.MethodPost, "/", nil)); id != "" || proof != "" {
		t.Errorf("%q %q", id, proof)
	}
}

// The browser is told to expect the cookie that it is given: any difference, and
// Chromium ends the binding.
func TestD06_AttributesAreTheCookies(t *testing.T) {
	c, w := Cookies{Secure: true}, httptest.NewRecorder()
	c.SetBound(w, strings.Repeat("a", 43), 5*time.Minute)
	set := setCookies(t, w)["__Host-ia_bound"]
	if set == nil || set.MaxAge != 300 || strings.Contains(w.Header().Get("Set-Cookie"), "Partitioned") {
		t.Fatal(w.Header()["Set-Cookie"])
	}
	told := c.Instruct("https://id.example:8443", "the id")
	as, err := http.ParseSetCookie(told.Credentials[0].Name + "=" + set.Value + "; " + told.Credentials[0].Attributes)
	if err != nil {
		t.Fatal(err)
	}
	if as.Name != set.Name || as.Path != set.Path || as.Secure != set.Secure || as.HttpOnly != set.HttpOnly || as.SameSite != set.SameSite || as.Domain != set.Domain {
		t.Errorf("told %+v, set %+v", as, set)
	}
	raw, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"session_identifier":"the id"`, `"refresh_url":"/dbsc/refresh"`, `"origin":"https://id.example:8443"`, `"include_site":false`, `"domain":"id.example"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}
