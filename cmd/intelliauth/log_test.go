package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// hidden is what no line below may hold.
const hidden = "s3cr3t-value-0123456789"

type holder struct{ Password string }

// TestH43_LogRedacts tries the ways by which a secret could reach a log.
func TestH43_LogRedacts(t *testing.T) {
	t.Parallel()
	jwt := "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9." + hidden
	for name, write := range map[string]func(*slog.Logger){
		"password":       func(l *slog.Logger) { l.Info("x", "password", hidden) },
		"new_password":   func(l *slog.Logger) { l.Info("x", "new_password", hidden) },
		"clientSecret":   func(l *slog.Logger) { l.Info("x", "clientSecret", hidden) },
		"code":           func(l *slog.Logger) { l.Info("x", "code", hidden) },
		"access_token":   func(l *slog.Logger) { l.Info("x", "access_token", []byte(hidden)) },
		"Set-Cookie":     func(l *slog.Logger) { l.Info("x", "Set-Cookie", hidden) },
		"Authorization":  func(l *slog.Logger) { l.Info("x", "Authorization", hidden) },
		"code_verifier":  func(l *slog.Logger) { l.Info("x", "code_verifier", hidden) },
		"group":          func(l *slog.Logger) { l.Info("x", slog.Group("form", "password", hidden)) },
		"WithGroup":      func(l *slog.Logger) { l.WithGroup("form").Info("x", "password", hidden) },
		"With":           func(l *slog.Logger) { l.With("token", hidden).Info("x") },
		"With group":     func(l *slog.Logger) { l.With(slog.Group("g", "secret", hidden)).Info("x") },
		"query":          func(l *slog.Logger) { l.Info("x", "url", "/callback?state=1&code="+hidden+"&iss=2") },
		"message":        func(l *slog.Logger) { l.Info("GET /callback?code=" + hidden) },
		"form":           func(l *slog.Logger) { l.Info("x", "body", "username=ada&password="+hidden) },
		"JSON":           func(l *slog.Logger) { l.Info("x", "body", `{"refresh_token": "`+hidden+`"}`) },
		"bearer":         func(l *slog.Logger) { l.Info("x", "header", "Bearer "+hidden) },
		"basic":          func(l *slog.Logger) { l.Info("x", "header", "basic "+hidden) },
		"cookie header":  func(l *slog.Logger) { l.Info("x", "header", "Cookie: ia_session="+hidden) },
		"JWT":            func(l *slog.Logger) { l.Info("x", "got", jwt) },
		"error":          func(l *slog.Logger) { l.Info("x", "error", fmt.Errorf("bad request: %w", errors.New("token="+hidden))) },
		"database":       func(l *slog.Logger) { l.Info("x", "error", "dial postgres://ada:"+hidden+"@db/main: refused") },
		"struct":         func(l *slog.Logger) { l.Info("x", "form", slog.AnyValue(map[string]string{"a": "password=" + hidden})) },
		"id_token_hint":  func(l *slog.Logger) { l.Info("x", "url", "/oauth2/logout?id_token_hint="+hidden) },
		"client_secrets": func(l *slog.Logger) { l.Info("x", "client_secrets", holder{hidden}) },
	} {
		for _, format := range []string{"json", "text"} {
			var out bytes.Buffer
			write(newLog(&out, "debug", format, false))
			if out.Len() == 0 || strings.Contains(out.String(), hidden) {
				t.Errorf("%s as %s wrote %q", name, format, out.String())
			}
		}
	}
}

// TestLogKeepsWhatIsNoSecret guards against a log that says nothing.
func TestLogKeepsWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLog(&out, "info", "json", false)
	l.Debug("not at this level")
	l.With("request", "abc").WithGroup("http").Info("request", "status", 303, "route", "POST /flow/{id}", "tenant", "demo", "error", errors.New("store: closed"))
	for _, want := range []string{`"status":303`, `"route":"POST /flow/{id}"`, `"tenant":"demo"`, `"error":"store: closed"`, `"request":"abc"`, `"http":{`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing from %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "not at this level") {
		t.Error("the level does not count")
	}
}

func TestLogFormatFollowsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		format   string
		terminal bool
		json     bool
	}{{"auto", true, false}, {"auto", false, true}, {"text", false, false}, {"json", true, true}} {
		var out bytes.Buffer
		newLog(&out, "info", tc.format, tc.terminal).Info("x")
		if got := strings.HasPrefix(out.String(), "{"); got != tc.json {
			t.Errorf("%s, terminal %v: JSON %v", tc.format, tc.terminal, got)
		}
	}
}
