package messages

import (
	"slices"
	"strconv"
	"strings"
)

// maxRanges bounds how much of a header is considered.
const maxRanges = 32

// For chooses the language of a person: the first of uiLocales (OpenID Connect
// Core, 3.1.2.1; most wanted first) that there is, else the best of an
// Accept-Language header, else English. Tags match by RFC 4647, 3.4: a language
// is found under its longest prefix.
func (c *Catalogues) For(accept string, uiLocales []string) Catalogue {
	for _, tag := range uiLocales[:min(len(uiLocales), maxRanges)] {
		if found, ok := c.lookup(tag); ok {
			return found
		}
	}
	for _, tag := range ranges(accept) {
		if found, ok := c.lookup(tag); ok {
			return found
		}
	}
	return c.english
}

func (c *Catalogues) lookup(tag string) (Catalogue, bool) {
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

// ranges reads an Accept-Language header (RFC 9110, 12.5.4), most wanted first.
// What is malformed is passed over.
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
		if name, value, ok := strings.Cut(strings.TrimSpace(rest), "="); ok && strings.TrimSpace(name) == "q" {
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
