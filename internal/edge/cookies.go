package edge

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Names of the cookies, to which Secure adds the prefix.
const (
	hostPrefix    = "__Host-"
	sessionCookie = "ia_session"
	bindingCookie = "ia_browser"
	deviceCookie  = "ia_device"
)

// deviceLife is as long as browsers keep any cookie (RFC 6265bis, 5.5).
const deviceLife = 400 * 24 * time.Hour

// Secrets in cookies are URL-safe base64 of at least 128 bits.
const (
	leastSecret = 22
	mostSecret  = 128
)

// Cookies reads and writes what a browser carries for us: all host-only,
// HttpOnly, SameSite=Lax and on every path. Where a name comes twice, someone
// has planted one and none of them counts (H-30).
type Cookies struct {
	Secure bool // false on http loopback only: drops Secure and the __Host- prefix
}

// Session returns the session secret, or "".
func (c Cookies) Session(r *http.Request) string { return c.secret(r, sessionCookie) }

// SetSession hands out a session secret. The browser forgets it when it closes
// (SP 800-63B-4, 5.1.1).
func (c Cookies) SetSession(w http.ResponseWriter, secret string) {
	c.set(w, sessionCookie, secret, 0)
}

// ClearSession makes the browser drop its session secret, and the short cookie of
// a bound session.
func (c Cookies) ClearSession(w http.ResponseWriter) {
	c.set(w, sessionCookie, "", -1)
	c.set(w, boundCookie, "", -1)
}

// Binding returns the value that ties flows to this browser, or "".
func (c Cookies) Binding(r *http.Request) string { return c.secret(r, bindingCookie) }

// EnsureBinding returns the browser's binding value, making one where there is
// none. One that is present stays, so that tabs keep their flows (C-35); called
// again while answering one request it returns the same.
func (c Cookies) EnsureBinding(w http.ResponseWriter, r *http.Request, random io.Reader) string {
	if have := c.Binding(r); have != "" {
		return have
	}
	for _, line := range w.Header()["Set-Cookie"] {
		if set, err := http.ParseSetCookie(line); err == nil && set.Name == c.name(bindingCookie) {
			return set.Value
		}
	}
	fresh := identity.RandomToken(16, random)
	c.set(w, bindingCookie, fresh, 0)
	return fresh
}

// Device returns the id and the secret of the device cookie, or "", "".
func (c Cookies) Device(r *http.Request) (id, secret string) {
	value, ok := c.only(r, deviceCookie)
	if !ok {
		return "", ""
	}
	id, secret, found := strings.Cut(value, ".")
	if !found || !strings.HasPrefix(id, "dev_") || !made(id, 5, 64, "_") || !made(secret, leastSecret, mostSecret, "_-") {
		return "", ""
	}
	return id, secret
}

// SetDevice hands out a device cookie: id, a dot, secret.
func (c Cookies) SetDevice(w http.ResponseWriter, value string) {
	c.set(w, deviceCookie, value, int(deviceLife/time.Second))
}

func (c Cookies) secret(r *http.Request, name string) string {
	value, ok := c.only(r, name)
	if !ok || !made(value, leastSecret, mostSecret, "_-") {
		return ""
	}
	return value
}

// only returns the value of a cookie that came exactly once.
func (c Cookies) only(r *http.Request, name string) (string, bool) {
	all := r.CookiesNamed(c.name(name))
	if len(all) != 1 || all[0].Quoted {
		return "", false
	}
	return all[0].Value, true
}

func (c Cookies) name(name string) string {
	if c.Secure {
		return hostPrefix + name
	}
	return name
}

// set replaces what this answer already says of the cookie.
func (c Cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	cookie := &http.Cookie{
		Name: c.name(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	var kept []string
	for _, line := range w.Header()["Set-Cookie"] {
		if !strings.HasPrefix(line, cookie.Name+"=") {
			kept = append(kept, line)
		}
	}
	w.Header()["Set-Cookie"] = append(kept, cookie.String())
}
