package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Defaults of the server's part.
const (
	DefaultListen   = "127.0.0.1:8080"
	DefaultAdmin    = "127.0.0.1:8081"
	DefaultDatabase = "sqlite:intelliauth.db"
	rootKeyBytes    = 32
)

// Network is an address or a network in CIDR form.
type Network struct{ netip.Prefix }

// UnmarshalText takes 10.0.0.7 as well as 10.0.0.0/8.
func (n *Network) UnmarshalText(b []byte) error {
	if addr, err := netip.ParseAddr(string(b)); err == nil {
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(string(b))
	if err != nil {
		return fmt.Errorf("%q is no address or network (write 10.0.0.7 or 10.0.0.0/8)", b)
	}
	n.Prefix = p.Masked()
	return nil
}

// Config is a configuration that may be started.
type Config struct {
	File
	Path     string   // where it was read
	Warnings Problems // what is worth a second look
	Keys     [][]byte // root keys, newest first
	declared []Declared
}

// Load reads and checks the file at path. If anything is wrong, it returns
// Problems as its error, warnings among them.
func Load(path string, out Outside) (*Config, error) {
	raw, err := readFile(out, "", path)
	if err != nil {
		return nil, Problems{{File: path, Text: fmt.Sprintf("%v: `intelliauth init` writes one", err)}}
	}
	return Parse(path, raw, out)
}

// Parse is Load on what was read already; path is where relative files start.
func Parse(path string, raw []byte, out Outside) (*Config, error) {
	d := &decoder{file: filepath.Base(path), lines: map[string]int{}}
	c := &checker{decoder: d, out: out, folder: filepath.Dir(path), config: &Config{Path: path}}
	root := d.document(raw, &c.config.File)
	if root != nil {
		c.all()
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int { return a.Line - b.Line })
	if len(d.problems.Errors()) > 0 {
		return nil, d.problems
	}
	c.config.Warnings = d.problems
	return c.config, nil
}

// checker goes through what was read, fills in defaults and finds what cannot be.
type checker struct {
	*decoder
	out    Outside
	folder string
	config *Config
	bad    map[string]bool // paths that the decoder complained of
}

// wrong reports a problem at a path. Paths without a line of their own take
// their parent's.
func (c *checker) wrong(at, format string, args ...any) {
	c.say(c.line(at), at, format, args...)
}

func (c *checker) warn(at, format string, args ...any) {
	c.wrong(at, format, args...)
	c.problems[len(c.problems)-1].Warning = true
}

func (c *checker) line(at string) int {
	for at != "" {
		if line, ok := c.lines[at]; ok {
			return line
		}
		at = at[:max(0, strings.LastIndexAny(at, ".["))]
	}
	return 0
}

// written reports whether a key is in the file, well formed or not.
func (c *checker) written(at string) bool { _, ok := c.lines[at]; return ok }

func (c *checker) all() {
	c.bad = map[string]bool{}
	for _, p := range c.problems {
		c.bad[p.At] = true
	}
	f := &c.config.File
	c.listeners(f)
	c.tls(f.TLS)
	c.database(f)
	c.rootKeys(f)
	c.blocklist(f)
	c.geoIP(f)
	c.metadata(f.PasskeyMetadata)
	f.Log.Level = c.choice("log.level", f.Log.Level, "info", "debug", "info", "warn", "error")
	f.Log.Format = c.choice("log.format", f.Log.Format, "auto", "auto", "text", "json")
	c.tenants(f)
}

// choice checks a word of a closed list; the first of words is not the default.
func (c *checker) choice(at, have, byDefault string, words ...string) string {
	if have == "" {
		return byDefault
	}
	if !slices.Contains(words, have) {
		c.wrong(at, "%q is unknown (want %s)", have, orList(words))
	}
	return have
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func (c *checker) listeners(f *File) {
	c.address("listen", &f.Listen, DefaultListen)
	c.address("admin_listen", &f.AdminListen, DefaultAdmin)
	if f.Listen == f.AdminListen && !strings.HasSuffix(f.Listen, ":0") {
		c.wrong("admin_listen", "is the public address: health and metrics need one of their own")
	}
}

func (c *checker) address(at string, v *string, byDefault string) {
	if *v == "" {
		*v = byDefault
		return
	}
	_, port, err := net.SplitHostPort(*v)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		c.wrong(at, "%q is no address (write 127.0.0.1:8080, or :8080 for every interface)", *v)
	}
}

func (c *checker) tls(t *TLS) {
	if t == nil {
		return
	}
	for _, part := range []struct {
		at   string
		path *string
	}{{"tls.cert", &t.Cert}, {"tls.key", &t.Key}} {
		if *part.path == "" {
			if !c.bad[part.at] {
				c.wrong(part.at, "is missing: tls needs cert and key, each the path of a PEM file")
			}
			continue
		}
		if _, err := readFile(c.out, c.folder, *part.path); err != nil {
			c.wrong(part.at, "%v", err)
		}
		if !filepath.IsAbs(*part.path) {
			*part.path = filepath.Join(c.folder, *part.path)
		}
	}
}

// secret looks a secret up and reports whether it can be used.
func (c *checker) secret(at string, s *Secret) bool {
	if err := s.resolve(c.out, c.folder); err != nil {
		c.wrong(at, "%v", err)
		return false
	}
	return true
}

func (c *checker) database(f *File) {
	if !f.Database.Set() {
		if c.bad["database"] {
			return
		}
		f.Database = Secret{written: DefaultDatabase}
	}
	if !c.secret("database", &f.Database) {
		return
	}
	dsn := f.Database.value
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		if path == "" {
			c.wrong("database", "sqlite: wants a path, as sqlite:intelliauth.db")
			return
		}
		if !filepath.IsAbs(path) {
			f.Database.value = "sqlite:" + filepath.Join(c.folder, path)
		}
		return
	}
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		c.wrong("database", "wants sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	}
}

func (c *checker) rootKeys(f *File) {
	if len(f.RootKeys) == 0 {
		if !c.bad["root_keys"] {
			c.say(c.line("root_keys"), "root_keys", "is missing: without a root key nothing can be sealed; `intelliauth init` makes one")
		}
		return
	}
	for i := range f.RootKeys {
		at := fmt.Sprintf("root_keys[%d]", i)
		if c.bad[at] || !c.secret(at, &f.RootKeys[i]) {
			continue
		}
		if !f.RootKeys[i].kept {
			c.wrong(at, "is written in the file: keep it outside, as file:PATH or ${NAME}")
			continue
		}
		key, err := decodeKey(f.RootKeys[i].value)
		if err != nil {
			c.wrong(at, "%v%s", err, f.RootKeys[i].where())
			continue
		}
		for _, have := range c.config.Keys {
			if string(have) == string(key) {
				c.wrong(at, "is the same key twice")
			}
		}
		c.config.Keys = append(c.config.Keys, key)
	}
}

// geoIP makes paths those of the file's folder. The files may come and go.
func (c *checker) geoIP(f *File) {
	g := &f.GeoIP
	for _, path := range []*string{&g.Country, &g.City, &g.ASN, &g.Lists.Tor, &g.Lists.Hosting, &g.Lists.Operator, &g.Egress} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(c.folder, *path)
		}
	}
}

func (c *checker) blocklist(f *File) {
	if f.PasswordBlocklist == "" {
		return
	}
	if _, err := readFile(c.out, c.folder, f.PasswordBlocklist); err != nil {
		c.wrong("password_blocklist", "%v", err)
	}
	if !filepath.IsAbs(f.PasswordBlocklist) {
		f.PasswordBlocklist = filepath.Join(c.folder, f.PasswordBlocklist)
	}
}

// decodeKey reads 32 bytes of base64, of either alphabet, padded or not.
func decodeKey(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(strings.TrimSpace(s), "="))
	key, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("is no base64")
	}
	if len(key) != rootKeyBytes {
		return nil, fmt.Errorf("holds %d bytes, not %d", len(key), rootKeyBytes)
	}
	return key, nil
}
