package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/deliver"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

//go:embed dev.yaml
var devFile string

type devCommand struct {
	Listen string `placeholder:"ADDRESS" help:"Loopback address to listen on (localhost:8080; with --tls localhost:8443)."`
	Data   string `default:"${data}" placeholder:"FOLDER" help:"Where the world is kept (${default})."`
	Fresh  bool   `help:"Forget the data first."`
	JSON   bool   `help:"Print the addresses as one line of JSON when ready."`
	TLS    bool   `name:"tls" help:"Serve https under a local certificate authority."`
}

// demoUser is somebody who lives in the demo world.
type demoUser struct{ email, name, password string }

func demoUsers() []demoUser {
	return []demoUser{
		{"ada@example.com", "Ada Lovelace", "analytical-engine-1843"},
		{"grace@example.com", "Grace Hopper", "compiler-first-1952"},
	}
}

// Run makes the demo world and serves it until ctx ends.
func (c *devCommand) Run(ctx context.Context, m *Main) error {
	listeners, port, err := c.listen()
	if err != nil {
		return err
	}
	closeAll := func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}
	w, err := c.world(ctx, m, port)
	if err != nil {
		closeAll()
		return err
	}
	defer w.house.kept.Close()
	w.house.hashes.Add(1) // of the passwords of new users
	sweep := sweeper{store: w.house.store, kept: w.house.kept, now: w.main.Now, log: w.house.front.Log}
	g := &group{background: []func(context.Context){sweep.run, w.house.giveBack, w.worker().Run}}
	for _, l := range listeners {
		server := edge.NewServer(w.handler(), w.house.front.Log)
		if c.TLS {
			if server.TLSConfig, err = devCertificate(c.Data, m); err != nil {
				closeAll()
				return err
			}
		}
		g.services = append(g.services, service{server, l})
	}
	if err := c.announce(m, w); err != nil {
		closeAll()
		return err
	}
	return g.run(ctx)
}

// listen opens loopback and nothing else (C-42).
func (c *devCommand) listen() ([]net.Listener, string, error) {
	address := c.Listen
	switch {
	case address == "" && c.TLS:
		address = "localhost:8443"
	case address == "":
		address = "localhost:8080"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", wrongUse(fmt.Sprintf("--listen %q is no address", address), "write localhost:8080")
	}
	addr, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return nil, "", wrongUse(fmt.Sprintf("--listen %q is not loopback: the demo world has passwords that everybody knows", address),
			"write localhost:PORT; for anything else there is `intelliauth serve`")
	}
	if host != "localhost" {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, "", next(err, "choose another port: --listen localhost:8090")
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		return []net.Listener{l}, port, nil
	}
	four, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, "", next(err, "choose another port: --listen localhost:8090")
	}
	_, port, _ = net.SplitHostPort(four.Addr().String())
	// Browsers may try either family for localhost. A machine without IPv6 has one.
	if six, err := net.Listen("tcp", net.JoinHostPort("::1", port)); err == nil {
		return []net.Listener{four, six}, port, nil
	}
	return []net.Listener{four}, port, nil
}

// addresses are where the demo world is found.
type addresses struct {
	Issuer, Acme  string // tenants
	App, AcmeApp  string // the demo application, once for each
	Scheme, Port  string
	ApplicationAt func(tenant string) string
}

func (c *devCommand) addresses(port string) addresses {
	scheme, usual := "http", "80"
	if c.TLS {
		scheme, usual = "https", "443"
	}
	at := func(host string) string {
		if port != usual {
			host += ":" + port
		}
		return scheme + "://" + host
	}
	a := addresses{
		Issuer: at("localhost"), Acme: at("acme.localhost"), App: at("app.localhost"), AcmeApp: at("acme-app.localhost"),
		Scheme: scheme, Port: port,
	}
	a.ApplicationAt = func(tenant string) string {
		if tenant == "acme" {
			return a.AcmeApp
		}
		return a.App
	}
	return a
}

// devWorld is the demo world, ready to be served.
type devWorld struct {
	main  *Main // with the world's own clock
	house *house
	clock *devClock
	at    addresses
	data  string
}

func (c *devCommand) world(ctx context.Context, m *Main, port string) (*devWorld, error) {
	if err := c.prepare(m); err != nil {
		return nil, err
	}
	w := &devWorld{at: c.addresses(port), data: c.Data}
	w.clock = newDevClock(m.Now, filepath.Join(c.Data, "clock"))
	shifted := *m
	shifted.Now = w.clock.now
	w.main = &shifted
	cfg, err := w.config()
	if err != nil {
		return nil, err
	}
	st, err := w.main.openStore(ctx, where{dsn: devDatabase(c.Data), roots: cfg.Keys, stamp: stampDev}, true)
	if err != nil {
		return nil, next(err, "`intelliauth dev --data %s --fresh` starts over", c.Data)
	}
	log := newLog(m.Stderr, cfg.Log.Level, cfg.Log.Format, m.Terminal)
	if w.house, err = w.main.build(blueprint{store: st, log: log, secure: c.TLS}); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if err := w.populate(ctx, cfg); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return w, nil
}

// prepare makes the data folder, empty if asked.
func (c *devCommand) prepare(m *Main) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return next(err, "name a folder that can be written: --data FOLDER")
	}
	if c.Fresh {
		// The certificate authority stays: it may be trusted by a browser.
		for _, name := range []string{"intelliauth.db", "intelliauth.db-wal", "intelliauth.db-shm", "root.key", "clock"} {
			if err := os.Remove(filepath.Join(c.Data, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	err := m.newRootKey(filepath.Join(c.Data, "root.key"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func devDatabase(data string) string { return "sqlite:" + filepath.Join(data, "intelliauth.db") }

// config is the configuration of the demo world: a file like any other, so that
// the demo has no road of its own.
func (w *devWorld) config() (*config.Config, error) {
	var text strings.Builder
	page, err := template.New("dev.yaml").Parse(devFile)
	if err != nil {
		return nil, err
	}
	if err := page.Execute(&text, w.at); err != nil {
		return nil, err
	}
	out := w.main.outside()
	out.Inbox = true
	return config.Parse(filepath.Join(w.data, "dev.yaml"), []byte(text.String()), out)
}

// worker sends every message to the inbox.
func (w *devWorld) worker() *deliver.Worker {
	inbox := []deliver.Sender{&inboxSender{}}
	logout := w.main.logout(w.house, deliver.Guard{Private: true}) // this world is loopback
	return w.main.worker(w.house, func(_, channel string) []deliver.Sender {
		if channel == identity.ChannelLogout {
			return logout
		}
		return inbox
	})
}

// populate declares tenants and applications and adds the users that are not
// there yet.
func (w *devWorld) populate(ctx context.Context, cfg *config.Config) error {
	a := applier{store: w.house.store, now: w.clock.now, random: w.main.Random}
	if _, err := a.apply(ctx, cfg.Declared()); err != nil {
		return err
	}
	if err := errors.Join(w.house.ensureKeys(ctx), w.house.tenants.Refresh(ctx)); err != nil {
		return err
	}
	var missing []func() error
	for _, d := range cfg.Declared() {
		for _, u := range demoUsers() {
			err := w.house.store.View(ctx, d.Tenant.ID, func(tx identity.Tx) error {
				_, err := tx.Users.ByIdentifier(ctx, u.email)
				return err
			})
			if errors.Is(err, identity.ErrNotFound) {
				missing = append(missing, func() error { return w.add(ctx, d.Tenant, u) })
			} else if err != nil {
				return err
			}
		}
	}
	return together(missing)
}

func (w *devWorld) add(ctx context.Context, t identity.Tenant, u demoUser) error {
	_, err := w.main.addUser(ctx, w.house.store, t, person{
		identifier: u.email, email: u.email, name: u.name, verified: true, password: u.password, actor: "system",
	})
	return err
}

// together runs jobs side by side: each hashes a password.
func together(jobs []func() error) error {
	results := make(chan error, len(jobs))
	for _, job := range jobs {
		go func() { results <- job() }()
	}
	var err error
	for range jobs {
		err = errors.Join(err, <-results)
	}
	return err
}

// handler serves the tenants, the demo application on its own hosts, and what
// only dev has.
func (w *devWorld) handler() http.Handler {
	front := w.house.front
	front.Tenants = nil
	own := map[string]http.Handler{}
	for tenant, app := range map[string]string{"demo": w.at.App, "acme": w.at.AcmeApp} {
		own[hostOf(app)] = front.Handler(w.demoApp(tenant))
	}
	tenants, routes := w.house.handler(), front.Handler(w.devRoutes())
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch app := own[strings.ToLower(r.Host)]; {
		case app != nil:
			app.ServeHTTP(rw, r)
		case strings.HasPrefix(r.URL.Path, "/dev/"):
			routes.ServeHTTP(rw, r)
		default:
			tenants.ServeHTTP(rw, r)
		}
	})
}

func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	return host
}

// announce tells where everything is.
func (c *devCommand) announce(m *Main, w *devWorld) error {
	inbox := w.at.Issuer + "/dev/inbox"
	if c.JSON {
		return json.NewEncoder(m.Stdout).Encode(struct {
			Issuer  string            `json:"issuer"`
			Demo    string            `json:"demo"`
			Inbox   string            `json:"inbox"`
			Tenants map[string]string `json:"tenants"`
		}{w.at.Issuer, w.at.App + "/", inbox, map[string]string{"demo": w.at.Issuer, "acme": w.at.Acme}})
	}
	ada, grace := demoUsers()[0], demoUsers()[1]
	m.say(`
  IntelliAuth is ready.

  Try it         %s/
  Sign in as     %-17s  %s
                 %-17s  %s

  All with MFA   %s/   (a second tenant, where everybody needs a second factor)
  Inbox          %s
  Discovery      %s/.well-known/openid-configuration
  Data           %s   (--fresh forgets it)`,
		w.at.App, ada.email, ada.password, grace.email, grace.password, w.at.AcmeApp, inbox, w.at.Issuer, c.Data)
	if d := w.clock.offset(); d != 0 {
		m.say("  Clock          %s off, as it was left (--fresh sets it right)", d)
	}
	if c.TLS {
		m.say("%s", howToTrust(c.Data))
	}
	m.say("\n  Stop with Ctrl-C.\n")
	return nil
}
