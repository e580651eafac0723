// Command go-api is a small API behind IntelliAuth: who has a token may read
// payouts; who makes one needs a second factor, proved within five minutes.
//
//	make run                        in the repository: the issuer and its demo world
//	cd examples/go-api && go run .  this API, on http://localhost:8787
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	intelliauth "github.com/intelliauth/intelliauth/sdk/go"
)

func main() {
	listen := flag.String("listen", "localhost:8787", "where to serve")
	issuer := flag.String("issuer", "http://localhost:8080", "the tenant's address")
	page := flag.String("page", "http://localhost:5173", "origin of the page that may call")
	flag.Parse()

	v, err := intelliauth.NewVerifier(context.Background(), *issuer, "https://api.demo.example",
		intelliauth.WithRevocations("demo-api", "demo-api-secret"), intelliauth.WithErrors(func(err error) { log.Print(err) }))
	if err != nil {
		log.Fatalf("%v\nStart the demo world first: make run", err)
	}
	defer v.Close()
	p := &payouts{}
	mux := http.NewServeMux()
	mux.Handle("GET /payouts", v.Authenticate(http.HandlerFunc(p.list)))
	mux.Handle("POST /payouts", v.Authenticate(intelliauth.Require(intelliauth.AAL2, 5*time.Minute)(http.HandlerFunc(p.make))))
	mux.Handle("GET /claims", v.Authenticate(http.HandlerFunc(claims)))
	log.Printf("listening on http://%s", *listen)
	server := &http.Server{Addr: *listen, Handler: cors(*page, mux), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// cors lets the page's scripts call, with a token and no cookie.
func cors(page string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if r.Header.Get("Origin") == page {
			h.Set("Access-Control-Allow-Origin", page)
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce")
			h.Set("Access-Control-Allow-Headers", "Authorization, DPoP, Content-Type")
			h.Set("Access-Control-Allow-Methods", "GET, POST")
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func claims(w http.ResponseWriter, r *http.Request) {
	t, _ := intelliauth.FromContext(r.Context())
	answer(w, map[string]any{"sub": t.Subject, "acr": t.AAL.String(), "amr": t.AMR, "authTime": t.AuthTime, "bound": t.Key != ""})
}

// payout is one that was made, with the invoice that came along.
type payout struct {
	Amount string    `json:"amount"`
	To     string    `json:"to"`
	File   string    `json:"file"`
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
}

type payouts struct {
	mu   sync.Mutex
	made map[string][]payout // by user
}

func (p *payouts) list(w http.ResponseWriter, r *http.Request) {
	t, _ := intelliauth.FromContext(r.Context())
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(w, map[string]any{"data": append([]payout{}, p.made[t.Subject]...)})
}

func (p *payouts) make(w http.ResponseWriter, r *http.Request) {
	t, _ := intelliauth.FromContext(r.Context())
	made, err := read(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = map[string][]payout{}
	}
	p.made[t.Subject] = append(p.made[t.Subject], made)
	w.WriteHeader(http.StatusCreated)
	answer(w, made)
}

func read(w http.ResponseWriter, r *http.Request) (payout, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 10<<20)
	file, header, err := r.FormFile("invoice")
	if err != nil {
		return payout{}, errors.New("send amount, to and the file invoice as multipart/form-data, 10 MB at most")
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return payout{}, err
	}
	return payout{Amount: r.FormValue("amount"), To: r.FormValue("to"), File: header.Filename, SHA256: hex.EncodeToString(sum.Sum(nil)), At: time.Now()}, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
