package config

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/intelliauth/intelliauth/internal/policy"
)

const maxLogo = 64 << 10

func (c *checker) tenants(f *File) {
	ids, hosts := map[string]string{}, map[string]string{}
	for i := range f.Tenants {
		at := fmt.Sprintf("tenants[%d]", i)
		t := &f.Tenants[i]
		c.tenantID(at, t.ID, ids)
		host := c.issuer(at+".issuer", t.Issuer, hosts)
		c.rpID(at, t, host)
		if t.Name == "" {
			t.Name = t.ID
		}
		t.Algorithm = c.choice(at+".algorithm", t.Algorithm, "ES256", "ES256", "EdDSA", "RS256")
		c.branding(at+".branding", &t.Branding)
		if t.Policy.Sessions.Bound == policy.BoundRequire && strings.HasPrefix(t.Issuer, "http:") {
			c.wrong(at+".policy.sessions.bound", "require needs an https issuer: browsers bind no session over plain http")
		}
		c.passkeys(at, t, f.PasskeyMetadata != nil)
		c.sending(at, t)
		seen := map[string]string{}
		for j := range t.Applications {
			each := fmt.Sprintf("%s.applications[%d]", at, j)
			c.application(each, &t.Applications[j], seen)
			if err := t.Applications[j].Stricter.Check(t.Policy); err != nil {
				c.wrong(each+".stricter", "%s", strings.TrimPrefix(err.Error(), "policy: stricter: "))
			}
		}
	}
	c.oneScheme(f)
	if len(c.problems.Errors()) == 0 {
		c.declare(f)
	}
}

// oneScheme refuses http beside https: a process keeps its cookies to https, or
// it does not.
func (c *checker) oneScheme(f *File) {
	for i, t := range f.Tenants {
		first := f.Tenants[0].Issuer
		if strings.HasPrefix(t.Issuer, "http:") != strings.HasPrefix(first, "http:") && t.Issuer != "" && first != "" {
			c.wrong(fmt.Sprintf("tenants[%d].issuer", i), "has another scheme than %s: serve http and https tenants apart", first)
		}
	}
}

func (c *checker) tenantID(at, id string, seen map[string]string) {
	switch {
	case id == "" && !c.bad[at+".id"]:
		c.wrong(at+".id", "is missing: give the tenant a short name, as `id: main`")
	case id != "" && !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`).MatchString(id):
		c.wrong(at+".id", "%q is no id (want small letters, digits and hyphens)", id)
	case id != "" && seen[id] != "":
		c.wrong(at+".id", "%q is taken by %s", id, seen[id])
	}
	if id != "" {
		seen[id] = at
	}
}

// issuer checks a tenant's address and returns its host without port. One
// tenant is one host: cookies know no ports, so two tenants on one host would
// share their sessions.
func (c *checker) issuer(at, issuer string, hosts map[string]string) string {
	if issuer == "" {
		if !c.bad[at] {
			c.wrong(at, "is missing: write the tenant's address, as https://login.example.com")
		}
		return ""
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		c.wrong(at, "%q is no address (write https://login.example.com)", issuer)
		return ""
	}
	host := u.Hostname()
	switch {
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#"):
		c.wrong(at, "may be scheme and host only, as https://%s", u.Host)
	case u.Path == "/":
		c.wrong(at, "ends in a slash: write %s", strings.TrimSuffix(issuer, "/"))
	case u.Path != "":
		c.wrong(at, "has a path: one tenant is one host, as https://login.example.com")
	case u.Scheme == "http" && !loopback(host):
		c.wrong(at, "is plain http: only loopback may be; write https://%s", u.Host)
	case issuer != strings.ToLower(issuer) || strings.HasSuffix(host, "."):
		c.wrong(at, "wants a host in small letters without a trailing dot")
	case (u.Scheme == "https" && u.Port() == "443") || (u.Scheme == "http" && u.Port() == "80"):
		c.wrong(at, "names the scheme's own port: leave it out")
	case hosts[host] != "":
		c.wrong(at, "has the host of %s: one tenant is one host, whatever the port", hosts[host])
	default:
		hosts[host] = at
		return host
	}
	return ""
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// rpID checks that passkeys would be bound to a name that others cannot share
// (SP 800-63B-4, 3.2.5.2).
func (c *checker) rpID(at string, t *Tenant, host string) {
	if host == "" {
		return
	}
	own := t.RPID == ""
	if own {
		t.RPID = host
		at += ".issuer"
	} else {
		at += ".rp_id"
	}
	if _, err := netip.ParseAddr(t.RPID); err == nil {
		if !loopback(host) {
			c.wrong(at, "%q is an address, to which no passkey can be bound: use a host name", t.RPID)
		}
		return
	}
	suffix, _ := publicsuffix.PublicSuffix(t.RPID)
	switch {
	case t.RPID != host && !strings.HasSuffix(host, "."+t.RPID):
		c.wrong(at, "%q is neither the issuer's host %s nor a parent of it", t.RPID, host)
	case suffix == t.RPID && t.RPID != "localhost":
		c.wrong(at, "%q is a public suffix: others own hosts below it, so no passkey may be bound to it", t.RPID)
	}
}

func (c *checker) branding(at string, b *Branding) {
	colour := regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	for key, v := range map[string]string{"accent": b.Accent, "accent_dark": b.AccentDark} {
		if v != "" && !colour.MatchString(v) {
			c.wrong(at+"."+key, "%q is no colour (write #2250a8, in quotes)", v)
		}
	}
	if b.SupportLink != "" {
		u, err := url.Parse(b.SupportLink)
		if err != nil || (u.Scheme != "https" && u.Scheme != "mailto") || strings.ContainsAny(b.SupportLink, " \t\r\n\"<>") {
			c.wrong(at+".support_link", "wants an https: or mailto: link")
		}
	}
	c.logo(at+".logo", b)
}

func (c *checker) logo(at string, b *Branding) {
	if b.Logo == "" {
		return
	}
	if path, ok := strings.CutPrefix(b.Logo, "file:"); ok {
		raw, err := readFile(c.out, c.folder, path)
		if err != nil {
			c.wrong(at, "%v", err)
			return
		}
		b.Logo = "data:" + pictureType(raw) + ";base64," + base64.StdEncoding.EncodeToString(raw)
	}
	head, body, ok := strings.Cut(b.Logo, ";base64,")
	raw, err := base64.StdEncoding.DecodeString(body)
	switch {
	case !ok || err != nil || !slices.Contains([]string{"data:image/svg+xml", "data:image/png"}, head):
		c.wrong(at, "wants an SVG or PNG picture: file:logo.svg, or data:image/png;base64,…")
	case pictureType(raw) != strings.TrimPrefix(head, "data:"):
		c.wrong(at, "does not hold the kind of picture that it says")
	case len(raw) > maxLogo:
		c.wrong(at, "is %d KiB, above the limit of %d KiB", (len(raw)+1023)/1024, maxLogo/1024)
	}
}

// pictureType tells the media type from the first bytes; "" if it is neither
// SVG nor PNG.
func pictureType(raw []byte) string {
	if strings.HasPrefix(string(raw), "\x89PNG\r\n\x1a\n") {
		return "image/png"
	}
	head := strings.TrimSpace(string(raw[:min(len(raw), 1024)]))
	if strings.HasPrefix(head, "<") && strings.Contains(head, "<svg") {
		return "image/svg+xml"
	}
	return ""
}
