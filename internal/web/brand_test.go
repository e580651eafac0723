package web

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const pngLogo = "data:image/png;base64,iVBORw0KGgo="

func withTenant(r *http.Request, t identity.Tenant) *http.Request {
	return r.WithContext(edge.WithTenant(r.Context(), t))
}

func TestContrastIsWCAG(t *testing.T) {
	black, white := colour{}, colour{0xff, 0xff, 0xff}
	for _, test := range []struct {
		a, b colour
		want string
	}{
		{black, white, "21.00"},
		{white, white, "1.00"},
		{colour{0x76, 0x76, 0x76}, white, "4.54"}, // the well-known darkest grey that fails by nothing
		{colour{0x77, 0x77, 0x77}, white, "4.48"},
		{colour{0xff, 0, 0}, white, "4.00"},
	} {
		if got := fmt.Sprintf("%.2f", contrast(test.a, test.b)); got != test.want {
			t.Errorf("%s on %s: %s, want %s", test.a, test.b, got, test.want)
		}
	}
}

// TestX11_AnyAccentCanBeRead tries every accent on a grid: what stands on a
// button, and links on either surface, have 4.5:1.
func TestX11_AnyAccentCanBeRead(t *testing.T) {
	rule := regexp.MustCompile(`--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6});--link:(#[0-9a-f]{6})`)
	tried := 0
	for r := 0; r < 256; r += 17 {
		for g := 0; g < 256; g += 17 {
			for b := 0; b < 256; b += 17 {
				c := colour{uint8(r), uint8(g), uint8(b)}
				for i, found := range rule.FindAllStringSubmatch(accentCSS(c, c), -1) {
					fill, _ := parseColour(found[1])
					ink, _ := parseColour(found[2])
					link, ok := parseColour(found[3])
					surface := []colour{paper(), slate()}[i]
					if !ok || contrast(fill, ink) < 4.5 || contrast(link, surface) < 4.5 || contrast(fill, surface) < apart {
						t.Fatalf("accent %s, surface %s: %v", c, surface, found[1:])
					}
					tried++
				}
			}
		}
	}
	if tried != 2*16*16*16 {
		t.Errorf("tried %d", tried)
	}
}

// TestX11_OwnColoursCanBeRead holds the style sheet's own tokens.
func TestX11_OwnColoursCanBeRead(t *testing.T) {
	css, err := os.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := strings.Split(string(css), "prefers-color-scheme: dark")
	if len(tokens) != 2 {
		t.Fatal("the tokens have moved")
	}
	for scheme, part := range tokens {
		get := func(name string) colour {
			found := regexp.MustCompile(`--` + name + `: (#[0-9a-f]{6});`).FindStringSubmatch(part)
			if found == nil {
				t.Fatalf("no --%s", name)
			}
			c, _ := parseColour(found[1])
			return c
		}
		for _, pair := range []struct {
			ink, on string
			least   float64
		}{
			{"text", "canvas", 7},
			{"text", "surface", 7},
			{"text", "raised", 7},
			{"muted", "canvas", readable},
			{"muted", "surface", readable},
			{"muted", "raised", readable},
			{"link", "surface", readable},
			{"link", "raised", readable},
			{"on-accent", "accent", readable},
			{"bad", "surface", readable},
			{"bad", "bad-soft", readable},
			{"good", "surface", visible},
			{"control", "surface", visible},
			{"accent", "surface", visible},
		} {
			if got := contrast(get(pair.ink), get(pair.on)); got < pair.least {
				t.Errorf("scheme %d: %s on %s has %.2f", scheme, pair.ink, pair.on, got)
			}
		}
		if want := []colour{paper(), slate()}[scheme]; get("raised") != want {
			t.Errorf("scheme %d: colour.go reckons with %s, the style sheet has %s", scheme, want, get("raised"))
		}
	}
}

func TestAccentsThatAreNone(t *testing.T) {
	for _, accent := range []string{"", "red", "#fff", "#12345", "#1234567", "#12345g", "#-12345", "#123456;}", "#fff}body{background:url(//evil)}", "rgb(1,2,3)"} {
		if b := brandOf(identity.Branding{Accent: accent, AccentDark: accent}); b.css != "" {
			t.Errorf("%q became %s", accent, b.css)
		}
	}
	if b := brandOf(identity.Branding{Accent: "#AABBCC", AccentDark: "};"}); strings.Contains(b.css, "};") && !strings.Contains(b.css, "}}") {
		t.Errorf("%s", b.css)
	}
}

func TestLogos(t *testing.T) {
	svg := "<svg xmlns='http://www.w3.org/2000/svg'/>"
	for logo, want := range map[string]string{
		pngLogo: "image/png",
		"data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg)): "image/svg+xml",
		"data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E":          "image/svg+xml",
		"data:text/html,<script>alert(1)</script>":                                    "",
		"data:image/png;base64,***":                                                   "",
		"data:image/png;base64":                                                       "",
		"data:image/png;base64,":                                                      "",
		"https://cdn.example/logo.png":                                                "",
		"data:image/png;base64," + strings.Repeat("A", maxLogo):                       "",
	} {
		if b := brandOf(identity.Branding{Logo: logo}); b.logo != want {
			t.Errorf("%.50s: %q, want %q", logo, b.logo, want)
		}
	}
}

func TestLogoIsHarmlessByItself(t *testing.T) {
	w := newWorld(t)
	w.tenant.Branding.Logo = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Cscript%3Ealert(1)%3C/script%3E%3C/svg%3E"
	rec := w.do(w.html(http.MethodGet, brandOf(w.tenant.Branding).picture(), ""))
	csp := rec.Header().Get("Content-Security-Policy")
	if rec.Code != 200 || rec.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(csp, "sandbox") || strings.Contains(csp, "script-src") {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	w.tenant.Branding.Logo = ""
	if rec := w.do(w.html(http.MethodGet, "/brand/"+brandOf(w.tenant.Branding).hash+"/logo", "")); rec.Code != 404 || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("no logo: %d %v", rec.Code, rec.Header())
	}
}

func TestSupportLinks(t *testing.T) {
	for href, want := range map[string]bool{
		"https://help.example/": true, "mailto:help@example.com": true, "": false,
		"http://help.example/": false, "javascript:alert(1)": false, "//evil": false, "https:": false, "data:text/html,x": false,
	} {
		if got := helpLink(identity.Branding{SupportLink: href}) != ""; got != want {
			t.Errorf("%q: %t", href, got)
		}
	}
}

func TestPicturesThatAreNone(t *testing.T) {
	good := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h9v9H0z"/></svg>`
	if _, ok := pictureOf(good); !ok {
		t.Error("a good picture is refused")
	}
	if _, ok := pictureOf(enrolPrompt(t, "p1").QR); !ok {
		t.Error("the picture of a factor is refused")
	}
	for _, bad := range []string{
		"", "text", "<svg>", "<p/>", `<svg/><svg/>`, `<svg></svg>text`,
		`<svg><script>alert(1)</script></svg>`,
		`<svg onload="alert(1)"/>`,
		`<svg style="background:url(//evil)"/>`,
		`<svg><path fill="url(https://evil/x)"/></svg>`,
		`<svg><image href="https://evil/x"/></svg>`,
		`<svg><a href="https://evil/x"/></svg>`,
		`<svg><use xlink:href="#x"/></svg>`,
		`<svg><foreignObject/></svg>`,
		`<svg xmlns="http://www.w3.org/1999/xhtml"/>`,
		`<svg><svg/></svg>`,
		`<svg><!-- --></svg>`,
		`<!DOCTYPE svg><svg/>`,
		`<svg><path d="&quot;><script>"/></svg>`,
		`<svg><![CDATA[<script>]]></svg>`,
		`<?xml version="1.0"?><svg/>`,
		`<svg>` + strings.Repeat("<path/>", maxPicture/7) + `</svg>`,
	} {
		if got, ok := pictureOf(bad); ok {
			t.Errorf("%.60s may stand on a page: %.60s", bad, got)
		}
	}
}

// FuzzPicture reads what was let through as a browser does, which is not how it
// was checked.
func FuzzPicture(f *testing.F) {
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`)
	f.Add(`<svg><path d='&#39;&lt;p>' fill="x"/></svg>`)
	f.Fuzz(func(t *testing.T, svg string) {
		out, ok := pictureOf(svg)
		if !ok {
			return
		}
		nodes, err := html.ParseFragment(strings.NewReader(string(out)), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
		if err != nil {
			t.Fatal(err)
		}
		var walk func(n *html.Node)
		walk = func(n *html.Node) {
			if n.Type == html.ElementNode && !slices.Contains([]string{"svg", "g", "path", "rect"}, n.Data) {
				t.Errorf("%q holds <%s>", out, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "href" || strings.Contains(a.Val, "url(") && strings.ContainsAny(a.Val, ":/") {
					t.Errorf("%q holds %s=%s", out, a.Key, a.Val)
				}
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c)
			}
		}
		for _, n := range nodes {
			walk(n)
		}
	})
}

func TestPagesKeepTheirBranding(t *testing.T) {
	w := newWorld(t)
	w.tenant.Branding = identity.Branding{Accent: "#e8590c", Logo: pngLogo, SupportLink: "https://help.acme.example/"}
	p := parsed(t, "home", w.do(w.html(http.MethodGet, "/", "")))
	b := brandOf(w.tenant.Branding)
	styles := []string{}
	for _, n := range p.elements("link") {
		if attr(n, "rel") == "stylesheet" {
			styles = append(styles, attr(n, "href"))
		}
	}
	if len(styles) != 2 || styles[1] != b.styles() || attr(p.elements("img")[0], "src") != b.picture() {
		t.Errorf("%v", styles)
	}
	p.contains("Get help", "Secured by IntelliAuth")
	if css := w.do(w.html(http.MethodGet, b.styles(), "")).Body.String(); !strings.HasPrefix(css, "@layer brand{:root{--accent:#") {
		t.Errorf("%s", css)
	}
}

func TestStaticFilesAreWhatTheySay(t *testing.T) {
	p := newPages(t)
	for _, name := range []string{"app.css", "page.js", "favicon.svg", "favicon.ico"} {
		if p.assets.path(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	for name, file := range p.assets {
		if file.mediaType == "application/octet-stream" || len(file.body) == 0 {
			t.Errorf("%s is %s", name, file.mediaType)
		}
		if regexp.MustCompile(`(?i)https?://`).Match([]byte(strings.ReplaceAll(string(file.body), "http://www.w3.org/2000/svg", ""))) {
			t.Errorf("%s names another host", name)
		}
	}
	if strings.Contains(string(p.assets["page.js"].body), "innerHTML") || strings.Contains(string(p.assets["page.js"].body), "eval") {
		t.Error("page.js makes markup from text")
	}
}
