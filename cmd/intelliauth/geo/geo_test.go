package geo

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/risk"
)

// database writes a MaxMind database (format 2.0) of IPv4 networks, each with
// one record; enough of the format for what is read here.
func database(t *testing.T, kind string, networks map[string]map[string]any) []byte {
	t.Helper()
	type node [2]int // 0: nothing yet; >0: node; <0: -(offset+1) of data
	nodes := []node{{}}
	var data bytes.Buffer
	for text, record := range networks {
		p := netip.MustParsePrefix(text)
		offset := data.Len()
		encode(&data, record)
		bits, at := p.Addr().As4(), 0
		for i := range p.Bits() {
			bit := int(bits[i/8]>>(7-i%8)) & 1
			if i == p.Bits()-1 {
				nodes[at][bit] = -(offset + 1)
				break
			}
			if nodes[at][bit] <= 0 {
				nodes = append(nodes, node{})
				nodes[at][bit] = len(nodes) - 1
			}
			at = nodes[at][bit]
		}
	}
	var out bytes.Buffer
	for _, n := range nodes {
		for _, to := range n {
			value := len(nodes)
			switch {
			case to > 0:
				value = to
			case to < 0:
				value = len(nodes) + 16 + (-to - 1)
			}
			out.Write([]byte{byte(value >> 16), byte(value >> 8), byte(value)})
		}
	}
	out.Write(make([]byte, 16))
	out.Write(data.Bytes())
	out.WriteString("\xab\xcd\xefMaxMind.com")
	encode(&out, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1_790_000_000),
		"database_type": kind, "ip_version": uint16(4), "node_count": uint32(len(nodes)), "record_size": uint16(24),
		"description": map[string]any{}, "languages": []any{},
	})
	return out.Bytes()
}

func encode(b *bytes.Buffer, v any) {
	control := func(kind, size int) {
		if kind <= 7 {
			b.WriteByte(byte(kind<<5 | size))
			return
		}
		b.WriteByte(byte(size))
		b.WriteByte(byte(kind - 7))
	}
	switch v := v.(type) {
	case string:
		control(2, len(v))
		b.WriteString(v)
	case float64:
		control(3, 8)
		b.Write(binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
	case uint16:
		control(5, 2)
		b.Write(binary.BigEndian.AppendUint16(nil, v))
	case uint32:
		control(6, 4)
		b.Write(binary.BigEndian.AppendUint32(nil, v))
	case uint64:
		control(9, 8)
		b.Write(binary.BigEndian.AppendUint64(nil, v))
	case []any:
		control(11, len(v))
		for _, e := range v {
			encode(b, e)
		}
	case map[string]any:
		control(7, len(v))
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			encode(b, k)
			encode(b, v[k])
		}
	}
}

func city(iso string, lat, lon float64) map[string]any {
	return map[string]any{"country": map[string]any{"iso_code": iso}, "location": map[string]any{"latitude": lat, "longitude": lon}}
}

type folder struct {
	*testing.T
	dir string
	at  time.Time
	log bytes.Buffer
}

func (f *folder) write(name string, b []byte) string {
	f.Helper()
	path := filepath.Join(f.dir, name)
	f.at = f.at.Add(time.Second)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		f.Fatal(err)
	}
	if err := os.Chtimes(path, f.at, f.at); err != nil {
		f.Fatal(err)
	}
	return path
}

func newFolder(t *testing.T) *folder {
	return &folder{T: t, dir: t.TempDir(), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (f *folder) open(files Files) *Map {
	return Open(files, slog.New(slog.NewTextHandler(&f.log, nil)))
}

func TestFilesSayWhereAnAddressIs(t *testing.T) {
	f := newFolder(t)
	m := f.open(Files{
		City: f.write("city.mmdb", database(t, "Test-City", map[string]map[string]any{"198.51.100.0/24": city("NO", 59.91, 10.75)})),
		ASN:  f.write("asn.mmdb", database(t, "Test-ASN", map[string]map[string]any{"198.51.0.0/16": {"autonomous_system_number": uint32(64500)}})),
		Tor:  f.write("tor.txt", []byte("# exits\n198.51.100.7\n")), Hosting: f.write("hosting.txt", []byte("198.51.100.0/28\n")),
		Egress: f.write("egress.txt", []byte("198.51.100.128/25\n")),
	})
	w := m.Locate(netip.MustParseAddr("::ffff:198.51.100.7"))
	if w.Country != "NO" {
		t.Errorf("an IPv4 address in IPv6's clothes: %+v", w)
	}
	w = m.Locate(netip.MustParseAddr("198.51.100.7"))
	if w.Country != "NO" || w.Network != "AS64500" || w.Place.Latitude != 599 || w.Place.Longitude != 108 || w.Egress || !slices.Equal(*w.Lists, []risk.Listing{risk.Tor, risk.Hosting}) {
		t.Errorf("%+v %+v %+v", w, w.Place, w.Lists)
	}
	w = m.Locate(netip.MustParseAddr("198.51.100.200"))
	if !w.Egress || len(*w.Lists) != 0 || w.Country != "NO" {
		t.Errorf("%+v", w)
	}
	w = m.Locate(netip.MustParseAddr("192.0.2.1"))
	if w.Country != "" || w.Network != "" || w.Place != nil {
		t.Errorf("of an address that no file has: %+v", w)
	}
	if f.log.Len() != 0 {
		t.Error(f.log.String())
	}
	var none *Map
	if w := none.Locate(netip.MustParseAddr("198.51.100.7")); w.Lists != nil || w.Country != "" {
		t.Errorf("without files: %+v", w)
	}
}

// TestH55ABadFileIsUnknownAndNamed: missing, corrupt, cut off, a bad line.
func TestH55ABadFileIsUnknownAndNamed(t *testing.T) {
	f := newFolder(t)
	whole := database(t, "Test-City", map[string]map[string]any{"198.51.100.0/24": city("NO", 59.91, 10.75)})
	for name, files := range map[string]Files{
		"missing.mmdb":     {City: filepath.Join(f.dir, "missing.mmdb")},
		"corrupt.mmdb":     {City: f.write("corrupt.mmdb", []byte("not a database"))},
		"empty.mmdb":       {City: f.write("empty.mmdb", nil)},
		"cut.mmdb":         {City: f.write("cut.mmdb", whole[:len(whole)/2])},
		"tor.txt: line 2:": {Tor: f.write("tor.txt", []byte("198.51.100.7\n198.51.100.999\n"))},
		"net.txt: line 1:": {Hosting: f.write("net.txt", []byte("198.51.100.7/24\n"))},
	} {
		f.log.Reset()
		w := f.open(files).Locate(netip.MustParseAddr("198.51.100.7"))
		if w.Country != "" || w.Place != nil || w.Lists != nil {
			t.Errorf("%s: %+v", name, w)
		}
		if !strings.Contains(f.log.String(), name) {
			t.Errorf("%s is not named: %s", name, f.log.String())
		}
	}
}

// TestFilesAreReadAgain: a new one is taken, a bad one leaves what was known.
func TestFilesAreReadAgain(t *testing.T) {
	f := newFolder(t)
	a := netip.MustParseAddr("198.51.100.7")
	files := Files{
		Country: f.write("country.mmdb", database(t, "Test-Country", map[string]map[string]any{"198.51.100.0/24": {"country": map[string]any{"iso_code": "NO"}}})),
		Tor:     f.write("tor.txt", []byte("198.51.100.7\n")),
	}
	m := f.open(files)
	check := func(country string, listed int) {
		t.Helper()
		if w := m.Locate(a); w.Country != country || w.Lists == nil || len(*w.Lists) != listed {
			t.Errorf("%+v %v", w, w.Lists)
		}
	}
	check("NO", 1)
	f.write("country.mmdb", database(t, "Test-Country", map[string]map[string]any{"198.51.100.0/24": {"country": map[string]any{"iso_code": "SE"}}}))
	f.write("tor.txt", []byte("192.0.2.1\n"))
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("SE", 0)
	f.write("country.mmdb", []byte("rubbish"))
	f.write("tor.txt", []byte("198.51.100.7\nrubbish\n"))
	if err := m.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "country.mmdb") {
		t.Errorf("%v", err)
	}
	check("SE", 0)
}
