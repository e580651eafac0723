package web

import (
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"slices"
	"strings"
)

// maxPicture bounds a QR code's markup, in bytes.
const maxPicture = 128 << 10

// pictureOf lets an SVG that a factor drew stand in a page. It is ours, yet it
// is looked at all the same: shapes and nothing else, so that no factor can
// bring script, style or an address of elsewhere onto a page.
func pictureOf(svg string) (template.HTML, bool) {
	if svg == "" || len(svg) > maxPicture || strings.Contains(svg, "<!") || strings.Contains(svg, "<?") {
		return "", false
	}
	dec := xml.NewDecoder(strings.NewReader(svg))
	depth, roots := 0, 0
	for {
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", false
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if !shape(t, depth) {
				return "", false
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return "", false
			}
		default:
			return "", false
		}
	}
	if roots != 1 || depth != 0 {
		return "", false
	}
	return template.HTML(svg), true
}

// shape reports whether an element draws and does nothing else.
func shape(e xml.StartElement, depth int) bool {
	if e.Name.Space != "" || (e.Name.Local == "svg") != (depth == 0) || !slices.Contains([]string{"svg", "g", "path", "rect"}, e.Name.Local) {
		return false
	}
	for _, a := range e.Attr {
		plain := []string{"viewBox", "width", "height", "d", "x", "y", "fill", "shape-rendering", "transform", "role", "version"}
		if a.Name.Space != "" || !(slices.Contains(plain, a.Name.Local) || a.Name.Local == "xmlns" && a.Value == "http://www.w3.org/2000/svg") {
			return false
		}
		if a.Name.Local != "xmlns" && strings.ContainsAny(a.Value, ":/<>&\"'") {
			return false
		}
	}
	return true
}
