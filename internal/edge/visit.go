package edge

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// visit is what the middlewares learn of one request. One value travels in the
// context and is filled in on the way, so that the request itself is copied
// once and the outer middlewares see the route that the inner mux matched.
// It is written before the handler runs and only read after.
type visit struct {
	id     string
	log    *slog.Logger
	client netip.Addr
	tenant identity.Tenant
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// visiting returns the visit of a request, beginning it where need be.
func visiting(r *http.Request) (*visit, *http.Request) {
	if v := visitOf(r.Context()); v != nil {
		return v, r
	}
	v := &visit{}
	return v, r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
}

// WithTenant returns a context as [Tenants.Middleware] leaves it, for a handler
// that is reached without it.
func WithTenant(ctx context.Context, tenant identity.Tenant) context.Context {
	next := visit{}
	if v := visitOf(ctx); v != nil {
		next = *v
	}
	next.tenant = tenant
	return context.WithValue(ctx, visitKey{}, &next)
}

// TenantOf returns the tenant whose host the request was sent to. It is the
// zero tenant where no middleware looked it up.
func TenantOf(ctx context.Context) identity.Tenant {
	if v := visitOf(ctx); v != nil {
		return v.tenant
	}
	return identity.Tenant{}
}

// ClientOf returns the address that [Clients] found. It is invalid where the
// peer has none (a Unix socket).
func ClientOf(ctx context.Context) netip.Addr {
	if v := visitOf(ctx); v != nil {
		return v.client
	}
	return netip.Addr{}
}

// RequestID returns the id that answers, problems and log lines of this request
// carry, or "".
func RequestID(ctx context.Context) string {
	if v := visitOf(ctx); v != nil {
		return v.id
	}
	return ""
}

// LogOf returns the log of this request, with its id; never nil.
func LogOf(ctx context.Context) *slog.Logger {
	v := visitOf(ctx)
	switch {
	case v == nil:
		return slog.Default()
	case v.log == nil || v.id == "":
		return v.logger()
	}
	return v.log.With("request", v.id)
}

// logger is the log without the request's id, which costs an encoding to add.
func (v *visit) logger() *slog.Logger {
	if v.log == nil {
		return slog.Default()
	}
	return v.log
}

// Logs hands log to everything below.
func Logs(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, r := visiting(r)
		v.log = log
		next.ServeHTTP(w, r)
	})
}
