// Package demo answers "what does an application look like that signs people in
// here?". It is the small application of `intelliauth dev`: one static page, one
// script without libraries, and one API route that asks for more.
//
//	demo.go      the page and its headers
//	transfer.go  the API route: a token in, an answer or a step-up demand out
//	static/      style, script, icon
package demo

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

//go:embed index.html static
var files embed.FS

// Deps is what the application knows.
type Deps struct {
	Issuer   string // of the tenant that it signs people in with
	ClientID string
	Audience string // of its API
	Now      func() time.Time
	Tenant   func(context.Context) (identity.Tenant, bool)
	Keys     *token.Keys // an API elsewhere would fetch them from the issuer
}

// Handler serves the application on an origin of its own.
func Handler(d Deps) http.Handler {
	var page bytes.Buffer
	if err := template.Must(template.ParseFS(files, "index.html")).Execute(&page, d); err != nil {
		panic(err) // the page is embedded above, and a test renders it
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/{$}", "/callback", "/login"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Content-Security-Policy", contentPolicy(d.Issuer))
			_, _ = w.Write(page.Bytes()) // the browser may be gone
		})
	}
	mux.Handle("GET /static/", http.StripPrefix("/static", Static()))
	mux.Handle("POST /api/transfer", &transfer{d})
	return mux
}

// contentPolicy lets the page speak to itself and to its issuer: it asks for
// tokens there, and posts its step-up request there.
func contentPolicy(issuer string) string {
	source, _ := edge.CSPSource(issuer)
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' " + source +
		"; form-action 'self' " + source + "; frame-ancestors 'none'; base-uri 'none'"
}

// Static serves style, script and icon.
func Static() http.Handler {
	sub, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return http.FileServerFS(sub)
}
