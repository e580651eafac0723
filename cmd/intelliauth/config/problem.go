package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with the file, or worth a second look.
type Problem struct {
	File    string
	Line    int    // 0 where the whole file is meant
	At      string // path of the key, as "tenants[0].issuer"
	Text    string // what is wrong and what would be right; never a secret
	Warning bool   // the server starts all the same
}

// String tells the problem in one line that editors can jump to.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.At != "" {
		b.WriteString(p.At + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems are all that was found in one file, by line.
type Problems []Problem

// Error tells all problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors returns those that keep the server from starting.
func (ps Problems) Errors() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Warning })
}

// Warnings returns those that do not.
func (ps Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return !p.Warning })
}
