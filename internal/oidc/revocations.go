package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// RevocationsPath is where APIs ask what was taken back (C-36).
const RevocationsPath = "/api/v1/revocations"

// How the feed behaves.
const (
	feedPoll    = 100 * time.Millisecond // how often a node looks for what others wrote
	feedWait    = 20 * time.Second       // how long an answer waits for news
	feedRepeat  = 30 * time.Second       // what is told again in each answer
	feedOld     = time.Hour              // a cursor older than this is refused: start anew
	feedComment = time.Second            // a stream shows that it lives
	feedStream  = 30 * time.Minute       // after which a stream ends, and is to be begun again
	feedWrite   = 10 * time.Second       // how slow a reader may be
)

// feedBody is an answer of the feed.
type feedBody struct {
	Cursor  string                `json:"cursor"`
	Entries []identity.Revocation `json:"entries"`
}

// revocations answers a resource about tokens that were taken back: at once with
// all that matter, or, with the cursor of an earlier answer, as soon as there is
// more. As text/event-stream it goes on telling.
func (e *endpoints) revocations(w http.ResponseWriter, r *http.Request) error {
	app, err := e.confidential(r, url.Values{}, RevocationsPath)
	if err != nil {
		return err
	}
	query, err := edge.Query(r)
	if err != nil {
		return err
	}
	since, told := query.Get("since"), query.Has("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" && !told {
		since, told = last, true
	}
	reader := feedReader{e: e, tenant: edge.TenantOf(r.Context()), audiences: app.Serves()}
	from, err := reader.position(r.Context(), since, told)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return reader.stream(w, r, from)
	}
	if told && query.Get("wait") != "0" {
		e.feeds.wait(r.Context(), reader.tenant.ID, from, feedWait)
	}
	body, _, err := reader.read(r.Context(), from)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

// feedReader is one resource at the feed of one tenant.
type feedReader struct {
	e         *endpoints
	tenant    identity.Tenant
	audiences []string
}

// position reads a cursor: the number of the last entry told, and when. One that
// cannot be ours, or that is ahead of what there is (the store was put back),
// starts anew with everything; one that is too old is refused, so that nobody
// takes a feed with a gap for a whole one.
func (f feedReader) position(ctx context.Context, cursor string, told bool) (int64, error) {
	if !told {
		return 0, nil
	}
	text, at, _ := strings.Cut(cursor, ".")
	number, err := strconv.ParseInt(text, 10, 64)
	seconds, serr := strconv.ParseInt(at, 10, 64)
	if err != nil || serr != nil || number < 0 || seconds < 0 {
		return 0, nil
	}
	now := f.e.now()
	if now.Sub(time.Unix(seconds, 0)) > feedOld {
		return 0, &oauthError{code: "gone", description: "The cursor is too old: ask again without since.", status: http.StatusGone}
	}
	last, err := f.e.lastRevocation(ctx, f.tenant.ID)
	if err != nil || number > last || time.Unix(seconds, 0).After(now.Add(feedRepeat)) {
		return 0, err
	}
	return number, nil
}

// read returns what was taken back after a number, and what was a moment ago: a
// reader that lost an answer misses nothing.
func (f feedReader) read(ctx context.Context, after int64) (body feedBody, last int64, err error) {
	now := f.e.now()
	var live []identity.Revocation
	err = f.e.Store.View(ctx, f.tenant.ID, func(tx identity.Tx) error {
		if last, err = tx.Revocations.Last(ctx); err != nil {
			return err
		}
		live, err = tx.Revocations.Live(ctx, now)
		return err
	})
	body = feedBody{Cursor: fmt.Sprintf("%d.%d", last, now.Unix()), Entries: []identity.Revocation{}}
	for _, r := range live {
		if (r.Number > after || now.Sub(r.At) <= feedRepeat) && f.concerns(r) {
			r.Audiences = nil
			body.Entries = append(body.Entries, r)
		}
	}
	return body, last, err
}

// concerns reports whether an entry speaks of tokens for this resource.
func (f feedReader) concerns(r identity.Revocation) bool {
	return len(r.Audiences) == 0 || slices.ContainsFunc(r.Audiences, func(a string) bool { return slices.Contains(f.audiences, a) })
}

// stream tells what is taken back as it happens (WHATWG HTML, 9.2), and each
// second that it still listens.
func (f feedReader) stream(w http.ResponseWriter, r *http.Request, from int64) error {
	ctx, cancel := context.WithTimeout(r.Context(), feedStream)
	defer cancel()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	tell := func(text string) bool {
		_ = out.SetWriteDeadline(f.e.Now().Add(feedWrite))
		_, err := w.Write([]byte(text))
		return err == nil && out.Flush() == nil
	}
	for {
		body, last, err := f.read(ctx, from)
		if err != nil {
			return nil // the stream has begun: its end is all that can be said
		}
		encoded, err := json.Marshal(body)
		if err != nil || !tell(fmt.Sprintf("id: %s\nevent: revocations\ndata: %s\n\n", body.Cursor, encoded)) {
			return nil
		}
		for from = last; !f.e.feeds.wait(ctx, f.tenant.ID, from, feedComment); {
			if ctx.Err() != nil || !tell(":\n\n") {
				return nil
			}
		}
	}
}

func (e *endpoints) lastRevocation(ctx context.Context, tenant string) (last int64, err error) {
	err = e.Store.View(ctx, tenant, func(tx identity.Tx) error {
		last, err = tx.Revocations.Last(ctx)
		return err
	})
	return last, err
}

// feeds lets any number wait for news of a tenant at the cost of one look at a
// time.
type feeds struct {
	last func(ctx context.Context, tenant string) (int64, error)

	mu      sync.Mutex
	tenants map[string]*feed
}

type feed struct {
	waiting int
	last    int64
	news    chan struct{} // closed when last changed
}

// wait returns when there is an entry after a number, which it reports, or when
// the time is over.
func (f *feeds) wait(ctx context.Context, tenant string, after int64, most time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	t := f.join(tenant)
	defer f.leave(t)
	for {
		f.mu.Lock()
		found, news := t.last > after, t.news
		f.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-news:
		}
	}
}

func (f *feeds) join(tenant string) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tenants == nil {
		f.tenants = map[string]*feed{}
	}
	t := f.tenants[tenant]
	if t == nil {
		t = &feed{last: -1, news: make(chan struct{})}
		f.tenants[tenant] = t
		go f.look(tenant, t)
	}
	t.waiting++
	return t
}

func (f *feeds) leave(t *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.waiting--
}

// look asks the store for as long as somebody waits.
func (f *feeds) look(tenant string, t *feed) {
	ticker := time.NewTicker(feedPoll)
	defer ticker.Stop()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), feedWait)
		last, err := f.last(ctx, tenant)
		cancel()
		f.mu.Lock()
		if err == nil && last != t.last {
			t.last = last
			close(t.news)
			t.news = make(chan struct{})
		}
		if t.waiting == 0 {
			delete(f.tenants, tenant)
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		<-ticker.C
	}
}
