package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// newLog writes text for people and JSON for machines, and never a secret.
// format is text, json or auto.
func newLog(w io.Writer, level, format string, terminal bool) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: l}
	var h slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" || format == "auto" && terminal {
		h = slog.NewTextHandler(w, options)
	}
	return slog.New(redacting{h, patterns()})
}

const redacted = "[redacted]"

// redacting keeps secrets out of logs twice over: what stands under a telling
// name is never printed, and what looks like a secret is cut out of any text.
type redacting struct {
	slog.Handler
	patterns []pattern
}

func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.scrub(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.redact(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.redact(a)
	}
	return redacting{h.Handler.WithAttrs(clean), h.patterns}
}

func (h redacting) WithGroup(name string) slog.Handler {
	return redacting{h.Handler.WithGroup(name), h.patterns}
}

func (h redacting) redact(a slog.Attr) slog.Attr {
	if telling(a.Key) {
		return slog.String(a.Key, redacted)
	}
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		parts := v.Group()
		clean := make([]slog.Attr, len(parts))
		for i, part := range parts {
			clean[i] = h.redact(part)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindString:
		return slog.String(a.Key, h.scrub(v.String()))
	case slog.KindAny:
		// Structures are printed as text: a handler that walks them itself would
		// find fields that nobody looked at.
		return slog.String(a.Key, h.scrub(fmt.Sprint(v.Any())))
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// telling reports whether a name says that a secret stands under it.
func telling(key string) bool {
	return slices.ContainsFunc(words(key), func(w string) bool {
		switch w {
		case "password", "passwords", "passphrase", "code", "codes", "token", "tokens", "secret", "secrets", "cookie", "cookies",
			"authorization", "otp", "verifier", "assertion", "credential", "credentials", "dsn":
			return true
		}
		return false
	})
}

// words takes a name apart where the case changes or no letter stands.
func words(key string) []string {
	var out []string
	start := 0
	flush := func(end int) {
		if end > start {
			out = append(out, strings.ToLower(key[start:end]))
		}
		start = end
	}
	lower := false
	for i, r := range key {
		switch {
		case !unicode.IsLetter(r):
			flush(i)
			start = i + len(string(r))
		case unicode.IsUpper(r) && lower:
			flush(i)
		}
		lower = unicode.IsLower(r)
	}
	flush(len(key))
	return out
}

// scrub cuts out of a text what looks like a secret: a signed token, a value
// after a telling name in a query, a form or JSON, what follows Bearer, Basic or
// DPoP, the password of an address.
func (h redacting) scrub(s string) string {
	if !suspicious(s) {
		return s
	}
	for _, p := range h.patterns {
		s = p.find.ReplaceAllString(s, p.leave)
	}
	return s
}

// suspicious is a quick look: nearly no text in a log is.
func suspicious(s string) bool {
	if strings.ContainsAny(s, `=@"`) || strings.Contains(s, "eyJ") {
		return true
	}
	for _, scheme := range []string{"earer ", "asic ", "pop ", "EARER ", "ASIC ", "POP ", "PoP "} {
		if strings.Contains(s, scheme) {
			return true
		}
	}
	return false
}

type pattern struct {
	find  *regexp.Regexp
	leave string
}

func patterns() []pattern {
	const names = `code|otp|[a-z_-]*(?:password|passwd|verifier|secret|assertion|token|token_hint|cookie|authorization)`
	return []pattern{
		{regexp.MustCompile(`eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*`), redacted},
		{regexp.MustCompile(`(?i)\b(` + names + `)=[^&\s"']+`), "${1}=" + redacted},
		{regexp.MustCompile(`(?i)"(` + names + `)"\s*:\s*"[^"]*"`), `"${1}":"` + redacted + `"`},
		{regexp.MustCompile(`(?i)\b(bearer|basic|dpop) [A-Za-z0-9._~+/=-]{8,}`), "${1} " + redacted},
		{regexp.MustCompile(`(?i)\b((?:set-)?cookie:\s*[^=\s]+)=[^;\s]+`), "${1}=" + redacted},
		{regexp.MustCompile(`(://[^:/@\s]+):[^@/\s]+@`), "${1}:" + redacted + "@"},
	}
}
