package totp

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

const quietZone = 4 // modules of white on each side (ISO/IEC 18004, 9.1)

// svg draws text as a QR code: black modules as one path on white, since a code
// on a dark page is not read by all cameras. It needs neither style nor script.
func svg(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil { // too long for this much redundancy
		if code, err = qr.Encode(text, qr.L); err != nil {
			return "", fmt.Errorf("qr: %w", err)
		}
	}
	side := code.Size + 2*quietZone
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, side, side)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			if !code.Black(x, y) {
				continue
			}
			start := x
			for code.Black(x+1, y) {
				x++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quietZone, y+quietZone, x+1-start, x+1-start)
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
