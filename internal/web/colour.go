package web

import (
	"fmt"
	"math"
	"strconv"
)

// colour is one of sRGB, 0 to 255 each.
type colour struct{ r, g, b uint8 }

// The surfaces of app.css that a tenant's accent has to stand on: the one of
// each scheme that is nearest to it (--raised); a test reads them from there.
func paper() colour { return colour{0xf6, 0xf7, 0xfa} }
func slate() colour { return colour{0x1d, 0x22, 0x2c} }

// Contrast that WCAG 2.2 asks of text (1.4.3) and of the parts of a control
// (1.4.11).
const (
	readable = 4.5
	visible  = 3.0
	apart    = 1.15 // our own: the text says that it is a button, yet its shape should be seen
)

// parseColour reads #rrggbb and nothing else: whatever stands in a style sheet
// must not be able to say more than a colour.
func parseColour(s string) (colour, bool) {
	if len(s) != 7 || s[0] != '#' {
		return colour{}, false
	}
	for _, c := range s[1:] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return colour{}, false
		}
	}
	v, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return colour{}, false
	}
	return colour{uint8(v >> 16), uint8(v >> 8), uint8(v)}, true
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// luminance is WCAG's relative luminance.
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is WCAG's contrast ratio, 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// mix goes from c towards o by a share of 0 to 1.
func (c colour) mix(o colour, share float64) colour {
	at := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + (float64(y)-float64(x))*share)) }
	return colour{at(c.r, o.r), at(c.g, o.g), at(c.b, o.b)}
}

// on returns c, darkened or lightened by as little as it takes to have the
// wanted contrast on a surface.
func (c colour) on(surface colour, wanted float64) colour {
	towards := colour{0xff, 0xff, 0xff}
	if contrast(surface, colour{}) > contrast(surface, towards) {
		towards = colour{}
	}
	for step := range 100 {
		if m := c.mix(towards, float64(step)/100); contrast(m, surface) >= wanted {
			return m
		}
	}
	return towards
}

// fill returns the colour of a button on a surface, and of the text on it:
// white, for which c is darkened if that takes little, else black. One of the
// two always has 4.58 or more.
func (c colour) fill(surface colour) (fill, ink colour) {
	white, black := colour{0xff, 0xff, 0xff}, colour{}
	if contrast(c, white) >= visible {
		if deep := c.on(white, readable); contrast(deep, surface) >= visible {
			return deep, white
		}
	}
	fill = c
	if contrast(c, surface) < apart {
		fill = c.on(surface, visible)
	}
	if contrast(fill, white) >= readable {
		return fill, white
	}
	return fill, black
}
