package intelliauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// How keys are read.
const (
	maxDocument = 256 << 10 // bytes of metadata or keys
	keyTimeout  = 5 * time.Second
	keyLife     = 5 * time.Minute  // after which keys are read anew, behind a request
	keyRetry    = 10 * time.Second // least time between two readings for a key that is not known
	keyStale    = 24 * time.Hour   // after which keys that could not be read anew are believed no more
)

// keys are the issuer's, kept and read anew. What was read last counts while the
// issuer cannot be reached, for a day.
type keys struct {
	issuer string
	client *http.Client
	now    func() time.Time
	tell   func(error)

	mu      sync.Mutex
	uri     string // jwks_uri
	byID    map[string]jose.JSONWebKey
	read    time.Time // last with success
	tried   time.Time
	reading chan struct{} // closed when the reading that is under way ends
}

func (k *keys) start(ctx context.Context) error {
	var metadata struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := k.get(ctx, k.issuer+"/.well-known/openid-configuration", &metadata); err != nil {
		return fmt.Errorf("intelliauth: the issuer's metadata cannot be read: %w", err)
	}
	if metadata.Issuer != k.issuer {
		return fmt.Errorf("intelliauth: the metadata are of issuer %q, not %q", metadata.Issuer, k.issuer)
	}
	if !sameOrigin(metadata.JWKS, k.issuer) {
		return fmt.Errorf("intelliauth: the keys of %s are said to be elsewhere", k.issuer)
	}
	k.uri = metadata.JWKS
	if err := k.refresh(ctx); err != nil {
		return fmt.Errorf("intelliauth: the issuer's keys cannot be read: %w", err)
	}
	return nil
}

func sameOrigin(a, b string) bool {
	u, err := url.Parse(a)
	v, verr := url.Parse(b)
	return err == nil && verr == nil && u.Scheme == v.Scheme && strings.EqualFold(u.Host, v.Host)
}

// find returns a key, or nil if the issuer has none of that name. It waits for
// the issuer only where the name is not known, and asks no oftener than every ten
// seconds, so that made-up names cost nothing.
func (k *keys) find(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	now := k.now()
	key, known := k.byID[id]
	age, since := now.Sub(k.read), now.Sub(k.tried)
	k.mu.Unlock()
	switch {
	case age > keyStale:
		if since >= keyRetry {
			_ = k.shared(ctx)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.now().Sub(k.read) > keyStale {
			return nil, &Error{Code: CodeUnavailable, Description: "The issuer's keys cannot be read.", Status: http.StatusServiceUnavailable}
		}
	case known:
		if age > keyLife && since >= keyRetry {
			go func() { _ = k.shared(context.Background()) }()
		}
		return &key, nil
	case since >= keyRetry || since < 0:
		if err := k.shared(ctx); err != nil {
			return nil, &Error{Code: CodeUnavailable, Description: "The issuer's keys cannot be read.", Status: http.StatusServiceUnavailable}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
	default:
		return nil, nil
	}
	if key, known = k.byID[id]; !known {
		return nil, nil
	}
	return &key, nil
}

// shared reads the keys, once for all who wait.
func (k *keys) shared(ctx context.Context) error {
	k.mu.Lock()
	if waiting := k.reading; waiting != nil {
		k.mu.Unlock()
		select {
		case <-waiting:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	done := make(chan struct{})
	k.reading = done
	k.mu.Unlock()
	err := k.refresh(context.WithoutCancel(ctx))
	k.mu.Lock()
	k.reading = nil
	close(done)
	k.mu.Unlock()
	if err != nil {
		k.tell(fmt.Errorf("intelliauth: the issuer's keys cannot be read: %w", err))
	}
	return err
}

func (k *keys) refresh(ctx context.Context) error {
	k.mu.Lock()
	k.tried = k.now()
	k.mu.Unlock()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.get(ctx, k.uri, &set); err != nil {
		return err
	}
	byID := map[string]jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil || key.KeyID == "" || key.Algorithm == "" || !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
			continue // of a kind that is not known here
		}
		byID[key.KeyID] = key
	}
	if len(byID) == 0 {
		return fmt.Errorf("there is no key to check signatures with at %s", k.uri)
	}
	k.mu.Lock()
	k.byID, k.read = byID, k.now()
	k.mu.Unlock()
	return nil
}

func (k *keys) get(ctx context.Context, address string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := k.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, answer.Status)
	}
	return readJSON(answer.Body, maxDocument, into)
}

// readJSON reads one bounded JSON value.
func readJSON(r io.Reader, most int64, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return err
	}
	if int64(len(raw)) > most {
		return fmt.Errorf("the answer is over %d bytes", most)
	}
	return json.Unmarshal(raw, into)
}
