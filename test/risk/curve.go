package main

import (
	"fmt"
	"strings"
)

// curve draws the share of honest sign-ins that are asked again (history 39)
// over the share of attackers that are caught.
func curve(runs []graded) string {
	const left, top, width, height = 60.0, 20.0, 520.0, 300.0
	x := func(rate float64) float64 { return left + (rate-.90)/.10*width }
	y := func(share float64) float64 { return top + height*(1-min(share, .6)/.6) }
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 380" role="img" aria-labelledby="t d">
<title id="t">How often honest people are asked again</title>
<desc id="d">Median share of the first 39 sign-ins of honest people that are challenged, over the share of attacks that are, for four attackers. Solid: this engine. Dashed: the published model alone.</desc>
<style>text{font:13px sans-serif;fill:#222}line,path{fill:none;stroke:#999}.c0{stroke:#1b6ac9}.c1{stroke:#0b7a4b}.c2{stroke:#b3261e}.c3{stroke:#7a4fb5}path{stroke-width:2}.m1{stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){text{fill:#eee}.c0{stroke:#7db4ff}.c1{stroke:#5fd3a0}.c2{stroke:#ff8a80}.c3{stroke:#c7a6ff}}</style>
`)
	for _, rate := range []float64{.90, .92, .94, .96, .98, 1} {
		fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">%.0f %%</text>\n", x(rate), top+height+20, 100*rate)
	}
	for _, share := range []float64{0, .1, .2, .3, .4, .5, .6} {
		fmt.Fprintf(&b, "<line x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\"/><text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%.0f %%</text>\n", left, y(share), left+width, y(share), left-6, y(share)+4, 100*share)
	}
	fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">attacks challenged</text>\n", left+width/2, top+height+45)
	for i, attacker := range attackers() {
		for model := range models() {
			var path []string
			for _, rate := range []float64{.90, .92, .94, .95, .96, .97, .98, .985, .99, .995, .999} {
				path = append(path, fmt.Sprintf("%.1f,%.1f", x(rate), y(middle(runs, point{attacker, rate, 39}, model))))
			}
			fmt.Fprintf(&b, "<path class=\"c%d m%d\" d=\"M%s\"/>\n", i, model, strings.Join(path, " L"))
		}
		fmt.Fprintf(&b, "<path class=\"c%d\" d=\"M600,%d h24\"/><text x=\"630\" y=\"%d\">%s</text>\n", i, 40+24*i, 44+24*i, attacker)
	}
	b.WriteString("<path class=\"m1\" d=\"M600,150 h24\"/><text x=\"630\" y=\"154\">published model</text>\n</svg>\n")
	return b.String()
}
