package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// maxLogo bounds a logo, in bytes of its data: URL.
const maxLogo = 512 << 10

// brand is what a tenant's branding comes to on a page. It is small: the CSS is
// made from checked colours only, and the logo is served as a file of its own.
type brand struct {
	hash string // of everything below
	css  string // "" where the tenant has no colours
	logo string // media type of the logo; "" where there is none
}

// brandOf reads a tenant's branding. What cannot be used is left out: a page
// without a logo is better than none.
func brandOf(b identity.Branding) brand {
	var out brand
	if accent, ok := parseColour(b.Accent); ok {
		dark, given := parseColour(b.AccentDark)
		if !given {
			dark = accent
		}
		out.css = accentCSS(accent, dark)
	}
	if mediaType, _, ok := logoOf(b.Logo); ok {
		out.logo = mediaType
	}
	sum := sha256.Sum256([]byte(out.css + "\x00" + b.Logo))
	out.hash = hex.EncodeToString(sum[:8])
	return out
}

// accentCSS writes the two accents with the text that can be read on them, and
// as text that can be read on the page: 4.5:1 whatever the tenant chose.
func accentCSS(light, dark colour) string {
	vars := func(accent, surface colour) string {
		fill, ink := accent.fill(surface)
		return fmt.Sprintf("--accent:%s;--on-accent:%s;--link:%s", fill, ink, accent.on(surface, readable))
	}
	return "@layer brand{:root{" + vars(light, paper()) + "}" +
		"@media (prefers-color-scheme:dark){:root{" + vars(dark, slate()) + "}}}\n"
}

// logoOf decodes a logo, an SVG or PNG in a base64 data: URL (RFC 2397).
func logoOf(dataURL string) (mediaType string, body []byte, ok bool) {
	if len(dataURL) > maxLogo {
		return "", nil, false
	}
	meta, data, found := strings.Cut(dataURL, ",")
	switch meta {
	case "data:image/svg+xml;base64", "data:image/png;base64":
		mediaType = strings.TrimSuffix(strings.TrimPrefix(meta, "data:"), ";base64")
		decoded, err := base64.StdEncoding.DecodeString(data)
		return mediaType, decoded, found && err == nil && len(decoded) > 0
	case "data:image/svg+xml", "data:image/svg+xml;utf8", "data:image/svg+xml;charset=utf-8":
		text, err := url.PathUnescape(data)
		return "image/svg+xml", []byte(text), found && err == nil && text != ""
	}
	return "", nil, false
}

func (b brand) styles() string { return "/brand/" + b.hash + "/accent.css" }
func (b brand) picture() string {
	if b.logo == "" {
		return ""
	}
	return "/brand/" + b.hash + "/logo"
}

// helpLink is the tenant's support link, if it is one that may stand on a page.
func helpLink(b identity.Branding) string {
	u, err := url.Parse(b.SupportLink)
	if err != nil || (u.Scheme != "mailto" && (u.Scheme != "https" || u.Host == "")) {
		return ""
	}
	return b.SupportLink
}

// serveBrand serves a tenant's own style sheet and logo. Their addresses change
// with what they hold, so browsers may keep them for ever; an address of before
// a change answers what is true now and is not kept.
func (p *Pages) serveBrand(w http.ResponseWriter, r *http.Request) error {
	branding := edge.TenantOf(r.Context()).Branding
	b := brandOf(branding)
	h := w.Header()
	if r.PathValue("hash") == b.hash {
		h.Set("Cache-Control", immutable)
	}
	switch r.PathValue("file") {
	case "accent.css":
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, err := w.Write([]byte(b.css))
		return gone(err)
	case "logo":
		mediaType, body, ok := logoOf(branding.Logo)
		if !ok {
			return identity.ErrNotFound
		}
		// Opened by itself, an SVG is a document: it gets no script, no network
		// and no origin.
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'")
		h.Set("Content-Type", mediaType)
		_, err := w.Write(body)
		return gone(err)
	}
	return identity.ErrNotFound
}

// gone drops the error of a client that went away while it was being written
// to: the answer has begun and cannot be another.
func gone(error) error { return nil }
