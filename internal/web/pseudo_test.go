package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// wordless are names without a letter, so that every letter on a page is ours.
func wordless() names {
	return names{user: "1@2.3", application: "4", tenant: "5", enrolment: "6", scope: "7:8", detail: "9"}
}

// saidBy lists what a page says to a reader: its text, and the attributes that
// are read out or shown, save what is code.
func saidBy(root *html.Node) []string {
	var said []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			said = append(said, n.Data)
		case n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "code"}, n.Data):
			return
		}
		for _, a := range n.Attr {
			switch a.Key {
			case "alt", "title", "placeholder", "aria-label", "aria-description", "aria-placeholder", "aria-roledescription", "aria-valuetext", "data-copied", "label":
				said = append(said, a.Val)
			}
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(root)
	return said
}

// unworded is what of a text stands outside of the brackets of a pseudo language.
func unworded(text string) string {
	var b strings.Builder
	depth := 0
	for _, r := range text {
		switch string(r) {
		case messages.PseudoOpen:
			depth++
			continue
		case messages.PseudoClose:
			depth = max(0, depth-1)
			continue
		}
		if depth == 0 {
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// TestX10_NothingIsHardCoded renders every page in two languages that only the
// catalogues have, and finds no letter that is not theirs.
func TestX10_NothingIsHardCoded(t *testing.T) {
	p := newPages(t)
	p.words = messages.LoadPseudo()
	for tag, dir := range map[string]string{"qps-ploc": "ltr", "qps-plocm": "rtl"} {
		for _, e := range gallery(t, wordless()) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Language", tag)
			w := httptest.NewRecorder()
			e.show(w, r.WithContext(edge.WithTenant(r.Context(), e.tenant)), p)
			root, err := html.Parse(w.Body)
			if err != nil {
				t.Fatal(e.name, err)
			}
			if found := hardCoded(root); len(found) > 0 {
				t.Errorf("%s in %s: not from a catalogue: %q", e.name, tag, found)
			}
			for n := range root.Descendants() {
				if n.Type == html.ElementNode && n.Data == "html" && (attr(n, "lang") != tag || attr(n, "dir") != dir) {
					t.Errorf("%s: lang %q dir %q", e.name, attr(n, "lang"), attr(n, "dir"))
				}
			}
		}
	}
	// The check itself must be able to fail.
	for _, page := range []string{"<p>Hello</p>", `<p>⟦á⟧ <b>or</b> ⟦ƀ⟧</p>`, `<img alt="Logo">`, `<title>Sign in – ⟦á⟧</title>`, `<button aria-label="⟦á⟧ x">⟦á⟧</button>`} {
		root, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		if len(hardCoded(root)) == 0 {
			t.Errorf("%s passes", page)
		}
	}
}

func hardCoded(root *html.Node) []string {
	var found []string
	for _, text := range saidBy(root) {
		if rest := unworded(text); strings.ContainsFunc(rest, unicode.IsLetter) {
			found = append(found, rest)
		}
	}
	return found
}
