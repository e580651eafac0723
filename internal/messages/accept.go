package messages

import (
	"slices"
	"strconv"
	"strings"
)

const (
	// maxRanges bounds how much of a header is considered.
	maxRanges = 32
	// maxTag is the length up to which a tag must be understood (RFC 5646, 4.4.1).
	maxTag = 35
)

// Wishes are what is known of the language of a person, the strongest first.
// Each may be empty.
type Wishes struct {
	UI     []string // ui_locales of a request (OpenID Connect Core, 3.1.2.1), most wanted first
	Accept string   // an Accept-Language header (RFC 9110, 12.5.4)
	User   string   // the language of the user
	Tenant string   // the language of the place
}

// Choose chooses the language of a person: the first wish that there is a
// language for, else English. Tags match by RFC 4647, 3.4: a language is found
// under its longest prefix. Mails have no header and go by User and Tenant.
func (c *Catalogues) Choose(w Wishes) Catalogue {
	wanted := append(slices.Clip(w.UI[:min(len(w.UI), maxRanges)]), ranges(w.Accept)...)
	for _, tag := range append(wanted, w.User, w.Tenant) {
		if found, ok := c.lookup(tag); ok {
			return found
		}
	}
	return c.english
}

// For is Choose for a visitor of whom nothing is known but the request.
func (c *Catalogues) For(accept string, uiLocales []string) Catalogue {
	return c.Choose(Wishes{UI: uiLocales, Accept: accept})
}

// lookup takes tags with an underscore, too, as the claim "locale" may have them
// (OpenID Connect Core, 5.1).
func (c *Catalogues) lookup(tag string) (Catalogue, bool) {
	if len(tag) > maxTag {
		return Catalogue{}, false
	}
	tag = strings.ReplaceAll(tag, "_", "-")
	for tag != "" {
		for _, l := range c.languages {
			if strings.EqualFold(l.lang.tag, tag) {
				return l, true
			}
		}
		i := strings.LastIndexByte(tag, '-')
		if i < 0 {
			break
		}
		tag = tag[:i]
	}
	return Catalogue{}, false
}

// ranges reads an Accept-Language header, most wanted first. What is malformed
// is passed over.
func ranges(accept string) []string {
	type weighted struct {
		tag string
		q   float64
	}
	var all []weighted
	for part := range strings.SplitSeq(accept, ",") {
		if len(all) == maxRanges {
			break
		}
		tag, rest, _ := strings.Cut(part, ";")
		q := 1.0
		if name, value, ok := strings.Cut(strings.TrimSpace(rest), "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(v >= 0 && v <= 1) {
				continue
			}
			q = v
		}
		if tag = strings.TrimSpace(tag); tag != "" && tag != "*" && q > 0 {
			all = append(all, weighted{tag, q})
		}
	}
	slices.SortStableFunc(all, func(a, b weighted) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	tags := make([]string, len(all))
	for i, w := range all {
		tags[i] = w.tag
	}
	return tags
}
