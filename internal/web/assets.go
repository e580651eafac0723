package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"

	"github.com/intelliauth/intelliauth/internal/identity"
)

//go:embed templates static
var files embed.FS

// immutable is the Cache-Control of what never changes under its address.
const immutable = "public, max-age=31536000, immutable"

// assets are the static files, each under the hash of its content.
type assets map[string]asset

type asset struct {
	body      []byte
	hash      string
	mediaType string
}

func loadAssets() (assets, error) {
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, err
	}
	all := assets{}
	for _, e := range entries {
		body, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		all[e.Name()] = asset{body: body, hash: hex.EncodeToString(sum[:8]), mediaType: mediaTypeOf(e.Name())}
	}
	return all, nil
}

// mediaTypeOf knows the few types there are; the system's table differs from
// machine to machine.
func mediaTypeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	}
	return "application/octet-stream"
}

// path is the address of a file; "" if there is none, which a test forbids.
func (a assets) path(name string) string {
	file, ok := a[name]
	if !ok {
		return ""
	}
	return "/static/" + file.hash + "/" + name
}

func (p *Pages) serveStatic(w http.ResponseWriter, r *http.Request) error {
	file, ok := p.assets[r.PathValue("file")]
	if !ok || r.PathValue("hash") != file.hash {
		return identity.ErrNotFound
	}
	return file.serve(w, immutable)
}

func (p *Pages) serveIcon(w http.ResponseWriter, _ *http.Request) error {
	return p.assets["favicon.ico"].serve(w, "public, max-age=86400")
}

func (a asset) serve(w http.ResponseWriter, cache string) error {
	w.Header().Set("Content-Type", a.mediaType)
	w.Header().Set("Cache-Control", cache)
	_, err := w.Write(a.body)
	return gone(err)
}
