// Package geo answers "where is this address?" from the operator's files:
// MaxMind databases of countries, networks and cities, and lists of networks.
//
// A file that is missing or cannot be read leaves its part unknown, and a log
// line that names it; one that was good and is replaced by a bad one leaves what
// was known. Files are looked at once a minute.
package geo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// Files names the operator's files; "" for one that there is not.
type Files struct {
	Country, City, ASN    string // MaxMind databases
	Tor, Hosting, Refused string // lists of networks, one a line
	Egress                string // networks behind which many people are anywhere: a company's VPN
}

// Map is what the files say. It is safe for concurrent use, and nil knows nothing.
type Map struct {
	files Files
	log   *slog.Logger
	now   atomic.Pointer[atlas]
	read  map[string]stamp
}

type stamp struct {
	at   time.Time
	size int64
}

// atlas is one state of all files.
type atlas struct {
	country, city, asn *maxminddb.Reader
	lists              map[risk.Listing]*risk.Networks // nil value: not readable
	egress             risk.Networks
}

// Open reads the files. It answers nil where there are none, and logs what
// cannot be read.
func Open(files Files, log *slog.Logger) *Map {
	if files == (Files{}) {
		return nil
	}
	m := &Map{files: files, log: log, read: map[string]stamp{}}
	m.now.Store(&atlas{lists: map[risk.Listing]*risk.Networks{}})
	m.Reload(context.Background())
	return m
}

// Reload reads the files that changed, and joins what could not be read.
func (m *Map) Reload(ctx context.Context) error {
	old := m.now.Load()
	next := &atlas{country: old.country, city: old.city, asn: old.asn, egress: old.egress, lists: map[risk.Listing]*risk.Networks{}}
	for k, v := range old.lists {
		next.lists[k] = v
	}
	var all error
	changed := func(path string, take func(b []byte) error) {
		if path == "" {
			return
		}
		b, fresh, err := m.fresh(path)
		if err == nil && fresh {
			err = take(b)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
			m.log.WarnContext(ctx, "a file of places or networks cannot be read: what it would say is unknown, or as it was", "error", err)
			all = errors.Join(all, err)
		}
	}
	database := func(into **maxminddb.Reader) func([]byte) error {
		return func(b []byte) error {
			r, err := maxminddb.OpenBytes(b)
			if err != nil {
				return err
			}
			*into = r
			return nil
		}
	}
	list := func(kind risk.Listing, path string) {
		if path == "" {
			return
		}
		if _, ok := next.lists[kind]; !ok {
			next.lists[kind] = nil
		}
		changed(path, func(b []byte) error {
			n, err := risk.ParseNetworks(string(b))
			if err == nil {
				next.lists[kind] = &n
			}
			return err
		})
	}
	changed(m.files.Country, database(&next.country))
	changed(m.files.City, database(&next.city))
	changed(m.files.ASN, database(&next.asn))
	list(risk.Tor, m.files.Tor)
	list(risk.Hosting, m.files.Hosting)
	list(risk.Operator, m.files.Refused)
	changed(m.files.Egress, func(b []byte) (err error) {
		n, err := risk.ParseNetworks(string(b))
		if err == nil {
			next.egress = n
		}
		return err
	})
	m.now.Store(next)
	return all
}

// fresh reads a file that is not as it was when it was read last.
func (m *Map) fresh(path string) ([]byte, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	is := stamp{info.ModTime(), info.Size()}
	if m.read[path] == is {
		return nil, false, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	m.read[path] = is
	return b, true, nil
}

const every = time.Minute

// Run reads what was replaced, until ctx ends.
func (m *Map) Run(ctx context.Context) {
	if m == nil {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = m.Reload(ctx) // logged
		}
	}
}

// Locate tells what the files say of an address.
func (m *Map) Locate(a netip.Addr) flow.Whereabouts {
	if m == nil {
		return flow.Whereabouts{}
	}
	a = a.Unmap()
	w := flow.Whereabouts{}
	at := m.now.Load()
	for _, r := range []*maxminddb.Reader{at.country, at.city} {
		var c struct {
			Country struct {
				ISO string `maxminddb:"iso_code"`
			} `maxminddb:"country"`
			Location struct {
				Latitude  *float64 `maxminddb:"latitude"`
				Longitude *float64 `maxminddb:"longitude"`
			} `maxminddb:"location"`
		}
		if !found(r, a, &c) {
			continue
		}
		if len(c.Country.ISO) == 2 {
			w.Country = c.Country.ISO
		}
		if lat, lon := c.Location.Latitude, c.Location.Longitude; lat != nil && lon != nil && math.Abs(*lat) <= 90 && math.Abs(*lon) <= 180 {
			w.Place = &identity.Place{Latitude: int(math.Round(*lat * 10)), Longitude: int(math.Round(*lon * 10))}
		}
	}
	var n struct {
		Number uint `maxminddb:"autonomous_system_number"`
	}
	if found(at.asn, a, &n) && n.Number > 0 {
		w.Network = "AS" + strconv.FormatUint(uint64(n.Number), 10)
	}
	w.Egress = at.egress.Contains(a)
	w.Lists = at.listings(a)
	return w
}

func found(r *maxminddb.Reader, a netip.Addr, into any) bool {
	if r == nil {
		return false
	}
	result := r.Lookup(a)
	return result.Found() && result.Decode(into) == nil
}

// listings are the lists that an address is on; nil while one of them cannot be
// read and no other holds it.
func (at *atlas) listings(a netip.Addr) *[]risk.Listing {
	out := []risk.Listing{}
	whole := len(at.lists) > 0
	for _, kind := range []risk.Listing{risk.Tor, risk.Hosting, risk.Operator} {
		n, named := at.lists[kind]
		switch {
		case named && n == nil:
			whole = false
		case named && n.Contains(a):
			out = append(out, kind)
		}
	}
	if !whole && len(out) == 0 {
		return nil
	}
	return &out
}
