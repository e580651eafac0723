package edge

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Front is what every request passes before it reaches a room.
type Front struct {
	Log     *slog.Logger
	Now     func() time.Time
	Random  io.Reader
	Trusted []netip.Prefix // proxies whose X-Forwarded-For and X-Request-Id are believed
	Secure  bool           // the issuers are https
	Tenants *Tenants       // nil where all hosts are served alike (the admin listener)
}

// Handler puts everything before next, in the order in which each needs the
// others: an id for the log, a log for panics, headers on refusals.
func (f Front) Handler(next http.Handler) http.Handler {
	h := next
	if f.Tenants != nil {
		h = f.Tenants.Middleware(h)
	}
	h = Limit(h)
	h = Clients(f.Trusted, h)
	h = Headers(f.Secure, h)
	h = Recover(h)
	h = AccessLog(f.Now, h)
	h = RequestIDs(f.Random, f.Trusted, h)
	return Logs(f.Log, h)
}

// Deadlines of [NewServer] (H-49).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeader         = 16 << 10 // bytes
)

// NewServer returns a server that cuts slow clients: 5 s for the headers, 15 s
// for the whole request, 60 s for the answer, 60 s of idling. What net/http has
// to complain about goes to log as warnings.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// OPTIONS * gets the same headers as everything else.
		DisableGeneralOptionsHandler: true,
	}
}
