package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/cmd/intelliauth/geo"
	"github.com/intelliauth/intelliauth/internal/edge"
)

// shutdownFor is how long requests may still take once no new ones are let in.
const shutdownFor = 20 * time.Second

type serveCommand struct {
	Config  string        `short:"c" default:"${config}" placeholder:"FILE" help:"Configuration file (${default})."`
	Migrate bool          `help:"Apply pending migrations first."`
	Drain   time.Duration `default:"5s" help:"How long to answer on after /readyz began to say no (${default})."`
}

func (c *serveCommand) Run(ctx context.Context, m *Main) error {
	cfg, err := m.load(c.Config)
	if err != nil {
		return err
	}
	log := newLog(m.Stderr, cfg.Log.Level, cfg.Log.Format, m.Terminal)
	st, err := m.openStore(ctx, where{dsn: cfg.Database.Reveal(), roots: cfg.Keys}, c.Migrate)
	if err != nil {
		return err
	}
	defer st.Close()
	defer m.spare()()
	makes, err := m.passkeyMetadata(cfg.PasskeyMetadata, log)
	if err != nil {
		return err
	}
	places := geo.Open(geo.Files{
		Country: cfg.GeoIP.Country, City: cfg.GeoIP.City, ASN: cfg.GeoIP.ASN, Egress: cfg.GeoIP.Egress,
		Tor: cfg.GeoIP.Lists.Tor, Hosting: cfg.GeoIP.Lists.Hosting, Refused: cfg.GeoIP.Lists.Operator,
	}, log)
	h, err := m.build(blueprint{
		store: st, log: log, trusted: networks(cfg), secure: secure(cfg), blocklist: cfg.PasswordBlocklist, metadata: makes.known(), places: places,
	})
	if err != nil {
		return err
	}
	out, err := m.senders(cfg)
	if err != nil {
		return err
	}
	changed, err := applier{store: h.store, now: m.Now, random: m.Random}.apply(ctx, cfg.Declared())
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "configuration applied", "file", c.Config, "tenants", len(cfg.Declared()), "changed", changed)
	if err := errors.Join(h.ensureKeys(ctx), h.tenants.Refresh(ctx)); err != nil {
		return err
	}
	healthy := &health{check: st.Check}
	group, err := c.listen(cfg, log, h, healthy)
	if err != nil {
		return err
	}
	group.background = append(group.background, sweeper{store: h.store, kept: h.kept, now: m.Now, log: log}.run, h.giveBack, m.worker(h, m.telling(h, out.of)).Run, makes.run, places.Run)
	group.beforeStop = func() { c.leave(log, healthy) }
	log.InfoContext(ctx, "ready", "version", version())
	return group.run(ctx)
}

// leave tells balancers to send nothing more here, and gives them time to hear it.
func (c *serveCommand) leave(log *slog.Logger, h *health) {
	log.Info("shutting down", "drain", c.Drain.String())
	h.draining.Store(true)
	time.Sleep(c.Drain)
}

func (c *serveCommand) listen(cfg *config.Config, log *slog.Logger, h *house, healthy *health) (*group, error) {
	public, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, next(err, "free the address, or give `listen` another one")
	}
	admin, err := net.Listen("tcp", cfg.AdminListen)
	if err != nil {
		return nil, next(errors.Join(err, public.Close()), "free the address, or give `admin_listen` another one")
	}
	server := edge.NewServer(h.handler(), log)
	if cfg.TLS != nil {
		certificate := &reloading{cert: cfg.TLS.Cert, key: cfg.TLS.Key, log: log}
		if err := certificate.load(); err != nil {
			return nil, next(errors.Join(fmt.Errorf("the certificate cannot be used: %w", err), public.Close(), admin.Close()), "check `tls.cert` and `tls.key`")
		}
		server.TLSConfig = certificate.config()
	}
	inside := edge.Front{Log: log, Now: h.front.Now, Random: h.front.Random}
	log.Info("listening", "public", public.Addr().String(), "tls", cfg.TLS != nil, "admin", admin.Addr().String())
	return &group{services: []service{
		{server, public},
		{edge.NewServer(inside.Handler(adminHandler(healthy, h.metrics)), log), admin},
	}}, nil
}

func networks(cfg *config.Config) []netip.Prefix {
	out := make([]netip.Prefix, len(cfg.TrustedProxies))
	for i, n := range cfg.TrustedProxies {
		out[i] = n.Prefix
	}
	return out
}

// secure reports whether cookies may be kept to https. Only loopback issuers
// can be http.
func secure(cfg *config.Config) bool {
	for _, d := range cfg.Declared() {
		if strings.HasPrefix(d.Tenant.Issuer, "http:") {
			return false
		}
	}
	return true
}

// service is one server on one listener.
type service struct {
	server   *http.Server
	listener net.Listener
}

func (s service) serve() error {
	if s.server.TLSConfig != nil {
		return s.server.ServeTLS(s.listener, "", "")
	}
	return s.server.Serve(s.listener)
}

// group is everything that runs until it is told to stop.
type group struct {
	services   []service
	background []func(context.Context)
	beforeStop func()
}

// run serves until ctx ends, then lets what is in flight finish. If one server
// fails, all stop.
func (g *group) run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	failed := make(chan error, len(g.services))
	var wait sync.WaitGroup
	for _, s := range g.services {
		wait.Go(func() {
			if err := s.serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	for _, job := range g.background {
		wait.Go(func() { job(working) })
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		if g.beforeStop != nil {
			g.beforeStop()
		}
	}
	stop()
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownFor)
	defer cancel()
	for _, s := range g.services {
		if serr := s.server.Shutdown(deadline); serr != nil {
			err = errors.Join(err, serr, s.server.Close())
		}
	}
	wait.Wait()
	return err
}
