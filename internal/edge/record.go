package edge

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"
)

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int // 0 until the answer began
}

func recording(w http.ResponseWriter) *recorder {
	if rec, ok := w.(*recorder); ok {
		return rec
	}
	return &recorder{ResponseWriter: w}
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= 200 { // 1xx come before the answer
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// Recover turns a panic into a blank 500, or cuts the connection where an answer
// has begun. It logs the type of the panic's value and where it came from: the
// value itself, and what was on the stack, may be secret (H-43).
func Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := recording(w)
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			LogOf(r.Context()).ErrorContext(r.Context(), "panic", "type", fmt.Sprintf("%T", p), "at", frames())
			if rec.status != 0 {
				panic(http.ErrAbortHandler)
			}
			// What the handler meant to hand out goes down with it.
			for _, name := range []string{"Set-Cookie", "Location", "Etag", "Last-Modified", "Content-Encoding", "Www-Authenticate"} {
				rec.Header().Del(name)
			}
			blank(rec, r, http.StatusInternalServerError, "internal", "Something went wrong.")
		}()
		next.ServeHTTP(rec, r)
	})
}

// frames names the functions on the way to a panic, without their arguments.
func frames() []string {
	var pcs [32]uintptr
	n := runtime.Callers(3, pcs[:])
	var out []string
	for next := runtime.CallersFrames(pcs[:n]); ; {
		f, more := next.Next()
		out = append(out, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return out
		}
	}
}

// AccessLog writes a line for every answer: method, route, status, duration,
// tenant and request id. A route is the pattern that matched, never the path or
// the query, which can hold what nobody else should read.
func AccessLog(now func() time.Time, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, r := visiting(r)
		log := v.logger()
		if !log.Enabled(r.Context(), slog.LevelInfo) {
			next.ServeHTTP(w, r)
			return
		}
		rec, began := recording(w), now()
		aborted := true
		defer func() {
			status := rec.status
			if status == 0 && !aborted {
				status = http.StatusOK // net/http sends it when a handler writes nothing
			}
			attrs := make([]slog.Attr, 0, 6)
			if v.id != "" {
				attrs = append(attrs, slog.String("request", v.id))
			}
			log.LogAttrs(r.Context(), slog.LevelInfo, "request", append(attrs,
				slog.String("method", method(r)), slog.String("route", r.Pattern), slog.Int("status", status),
				slog.Duration("duration", now().Sub(began)), slog.String("tenant", v.tenant.ID))...)
		}()
		next.ServeHTTP(rec, r)
		aborted = false
	})
}

// method keeps a made-up method, which may be long, out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return r.Method
	}
	return "other"
}
