package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookAgain is how often the certificate's files are looked at.
const lookAgain = 10 * time.Second

// reloading is a certificate that is read again when its files change. A new
// one that cannot be used leaves the old one in place.
type reloading struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	looked  *time.Timer
	stamp   [2]time.Time
}

func (r *reloading) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: r.get, NextProtos: []string{"h2", "http/1.1"}}
}

// load reads the files now.
func (r *reloading) load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = time.NewTimer(lookAgain)
	return r.read(r.stamps())
}

func (r *reloading) read(stamp [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(r.cert, r.key)
	if err != nil {
		return err
	}
	r.current, r.stamp = &pair, stamp
	return nil
}

func (r *reloading) stamps() (out [2]time.Time) {
	for i, path := range []string{r.cert, r.key} {
		if info, err := os.Stat(path); err == nil {
			out[i] = info.ModTime()
		}
	}
	return out
}

func (r *reloading) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.looked.C:
		r.looked.Reset(lookAgain)
		if now := r.stamps(); now != r.stamp {
			if err := r.read(now); err != nil {
				r.log.Error("the new certificate cannot be used; the old one stays", "error", err)
			} else {
				r.log.Info("certificate read again")
			}
		}
	default:
	}
	return r.current, nil
}
