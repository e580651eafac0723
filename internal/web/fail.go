package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// page runs a handler and tells what went wrong: to people by a page, to
// programs by a problem.
func (s *server) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err, faultOf(err))
		}
	})
}

// flow is page for a route of one flow, where what is missing or over is the flow.
func (s *server) flow(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		f := faultOf(err)
		switch f.status {
		case http.StatusNotFound:
			f.words = "flow_not_found"
		case http.StatusGone:
			f.code = codeFlowExpired
		}
		var over *flow.OverError
		if errors.As(err, &over) {
			f.home, f.application = over.Application.Home, over.Application.Name
		}
		s.fail(w, r, err, f)
	})
}

func (s *server) fail(w http.ResponseWriter, r *http.Request, err error, f fault) {
	if f.retry > 0 || f.status == http.StatusServiceUnavailable {
		edge.SetRetryAfter(w, f.retry)
	}
	if f.status == http.StatusInternalServerError {
		edge.LogOf(r.Context()).ErrorContext(r.Context(), "request failed", "error", err)
	}
	if wantsJSON(r) {
		edge.Problem(w, r, f.status, f.code, f.detail, nil)
		return
	}
	s.Pages.fault(w, r, f)
}

// faultOf reads what may be told of an error. Of one that is of no known kind
// nothing is.
func faultOf(err error) fault {
	f := fault{status: edge.Status(err)}
	switch f.status {
	case http.StatusBadRequest:
		f.code = codeInvalidRequest
	case http.StatusForbidden:
		f.code = codeForbidden
		if errors.Is(err, identity.ErrForeign) {
			f.code = codeForeignBrowser
		}
	case http.StatusNotFound:
		f.code = codeNotFound
	case http.StatusConflict:
		f.code = codeConflict
	case http.StatusGone:
		f.code = codeGone
	case http.StatusRequestEntityTooLarge:
		f.code = codeTooLarge
	case http.StatusUnsupportedMediaType:
		f.code = codeMediaType
	case http.StatusTooManyRequests:
		f.code = codeTooManyRequests
	case http.StatusServiceUnavailable:
		f.code = codeOverloaded
	default:
		return fault{status: http.StatusInternalServerError, code: codeInternal}
	}
	if told := new(identity.Fault); errors.As(err, &told) {
		f.detail = told.Message
		if told.Code != "" {
			f.code = told.Code
		}
	}
	f.retry, _ = identity.RetryAfter(err)
	return f
}

// routed answers what no pattern of mux takes as everything else that goes
// wrong is answered, instead of in the mux's own words.
func (s *server) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		unmatched, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		said := overheard{header: http.Header{}}
		unmatched.ServeHTTP(&said, r)
		f := fault{status: http.StatusNotFound, code: codeNotFound}
		if said.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", said.header.Get("Allow"))
			f = fault{status: said.status, code: codeMethod}
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			edge.Problem(w, r, f.status, f.code, "", nil)
			return
		}
		s.fail(w, r, nil, f)
	})
}

// overheard takes an answer of the mux's own, which nobody gets.
type overheard struct {
	header http.Header
	status int
}

func (o *overheard) Header() http.Header         { return o.header }
func (o *overheard) WriteHeader(status int)      { o.status = status }
func (o *overheard) Write(b []byte) (int, error) { return len(b), nil }
