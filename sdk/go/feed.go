package intelliauth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How the feed is followed.
const (
	feedPath    = "/api/v1/revocations"
	maxFeed     = 16 << 20 // bytes of one answer
	maxEntries  = 1 << 20  // that are kept at once: more, and nothing is believed
	feedSilence = 5 * time.Second
	feedPause   = 500 * time.Millisecond // before a stream that broke is begun again
)

// entry is one line of the feed.
type entry struct {
	Kind     string    `json:"kind"`
	Session  string    `json:"sid"`
	ClientID string    `json:"clientId"`
	Subject  string    `json:"sub"`
	Key      string    `json:"kid"`
	Before   time.Time `json:"before"`
	Until    time.Time `json:"until"`
}

type feedBody struct {
	Cursor  string  `json:"cursor"`
	Entries []entry `json:"entries"`
}

// errGone says that the cursor is too old: everything is read anew.
var errGone = errors.New("the cursor is too old")

// feed knows what was taken back.
type feed struct {
	v      *Verifier
	client *http.Client

	heard atomic.Int64 // when the feed last spoke, Unix milliseconds of the verifier's clock

	mu      sync.RWMutex
	cursor  string
	refused map[string]entry // by kind and whom it names
	full    bool
	swept   time.Time
}

func newFeed(v *Verifier) *feed {
	c := *v.client
	c.Timeout = 0 // a stream has no end; silence ends it
	return &feed{v: v, client: &c, refused: map[string]entry{}}
}

// start reads all that matters now, so that no request is judged without it.
func (f *feed) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	if err := f.poll(ctx); err != nil {
		return fmt.Errorf("intelliauth: the revocation feed cannot be read: %w", err)
	}
	return nil
}

// poll asks once without waiting.
func (f *feed) poll(ctx context.Context) error {
	answer, err := f.ask(ctx, "application/json", "0")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var body feedBody
	if err := readJSON(answer.Body, maxFeed, &body); err != nil {
		return err
	}
	return f.take(body)
}

func (f *feed) ask(ctx context.Context, accept, wait string) (*http.Response, error) {
	q := url.Values{}
	f.mu.RLock()
	if f.cursor != "" {
		q.Set("since", f.cursor)
	}
	f.mu.RUnlock()
	if wait != "" {
		q.Set("wait", wait)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.v.issuer+feedPath+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	r.SetBasicAuth(url.QueryEscape(f.v.id), url.QueryEscape(f.v.secret))
	answer, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	switch {
	case answer.StatusCode == http.StatusGone:
		answer.Body.Close()
		return nil, errGone
	case answer.StatusCode != http.StatusOK:
		answer.Body.Close()
		return nil, fmt.Errorf("%s answered %s", f.v.issuer+feedPath, answer.Status)
	}
	return answer, nil
}

// take remembers what an answer says. A cursor is kept only with its entries.
func (f *feed) take(body feedBody) error {
	if body.Cursor == "" {
		return errors.New("the feed's answer has no cursor")
	}
	now := f.v.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sweep(now)
	for _, e := range body.Entries {
		name, ok := e.name()
		if !ok || len(f.refused) >= maxEntries {
			f.full = true // what cannot be kept or read makes us know too little
			continue
		}
		if have, seen := f.refused[name]; seen {
			if have.Before.After(e.Before) {
				e.Before = have.Before
			}
			if have.Until.After(e.Until) {
				e.Until = have.Until
			}
		}
		f.refused[name] = e
	}
	f.cursor = body.Cursor
	f.heard.Store(now.UnixMilli())
	return nil
}

// sweep forgets what no living token can be meant by.
func (f *feed) sweep(now time.Time) {
	if now.Sub(f.swept) < time.Minute && !now.Before(f.swept) {
		return
	}
	for name, e := range f.refused {
		if now.After(e.Until.Add(2 * f.v.leeway)) {
			delete(f.refused, name)
		}
	}
	f.swept = now
	if len(f.refused) < maxEntries/2 {
		f.full = false
	}
}

func (e entry) name() (string, bool) {
	switch {
	case e.Kind == "session" && e.Session != "", e.Kind == "level" && e.Session != "":
		return e.Kind + " " + e.Session, true
	case e.Kind == "grant" && e.Session != "" && e.ClientID != "":
		return "grant " + e.Session + " " + e.ClientID, true
	case e.Kind == "user" && e.Subject != "":
		return "user " + e.Subject, true
	case e.Kind == "client" && e.ClientID != "":
		return "client " + e.ClientID, true
	case e.Kind == "key" && e.Key != "":
		return "key " + e.Key, true
	}
	return "", false
}

// follow listens until ctx ends, and begins anew whenever it is cut off.
func (f *feed) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.listen(ctx)
		if errors.Is(err, errGone) {
			f.mu.Lock()
			f.cursor = ""
			f.mu.Unlock()
		}
		if err != nil && ctx.Err() == nil {
			f.v.onError(fmt.Errorf("intelliauth: the revocation feed broke off: %w", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(feedPause):
		}
	}
}

// listen reads one stream until it ends or falls silent.
func (f *feed) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(feedSilence, cancel)
	defer silent.Stop()
	answer, err := f.ask(ctx, "text/event-stream", "")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return fmt.Errorf("the feed answered with %q", kind)
	}
	lines := bufio.NewReader(answer.Body)
	data := strings.Builder{}
	for {
		line, err := readLine(lines, maxFeed)
		if err != nil {
			return err
		}
		silent.Reset(feedSilence)
		switch {
		case line == "":
			if data.Len() == 0 {
				continue
			}
			var body feedBody
			if err := json.Unmarshal([]byte(data.String()), &body); err != nil {
				return fmt.Errorf("the feed cannot be read: %w", err)
			}
			data.Reset()
			if err := f.take(body); err != nil {
				return err
			}
		case line[0] == ':':
			f.heard.Store(f.v.now().UnixMilli())
		case strings.HasPrefix(line, "data:"):
			if data.Len()+len(line) > maxFeed {
				return errors.New("the feed's answer is too large")
			}
			data.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "data:"), " "))
		}
	}
}

// readLine reads a line of at most most bytes.
func readLine(r *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > most {
			return "", errors.New("the feed's line is too long")
		}
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return "", io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}

// judge refuses what was taken back, and what cannot be believed while the feed
// is silent.
func (f *feed) judge(t *Token, kid string) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	hit := func(name string, whole bool) bool {
		e, ok := f.refused[name]
		return ok && (whole || !t.IssuedAt.After(e.Before))
	}
	switch {
	case t.Session != "" && hit("session "+t.Session, true),
		t.Session != "" && hit("level "+t.Session, false),
		t.Session != "" && hit("grant "+t.Session+" "+t.ClientID, false),
		hit("user "+t.Subject, false), hit("client "+t.ClientID, false), kid != "" && hit("key "+kid, false):
		return bad(CodeRevoked, "The session behind the token has ended.")
	}
	quiet := f.v.now().Sub(time.UnixMilli(f.heard.Load()))
	if quiet <= f.v.staleAfter && !f.full {
		return nil
	}
	if f.v.stale == RefuseAll || f.v.stale == RefuseStrong && t.AAL >= AAL2 {
		return &Error{Code: CodeUnavailable, Description: "Whether the session has ended cannot be told now. Try again.", Status: http.StatusServiceUnavailable}
	}
	return nil
}
