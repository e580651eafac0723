package edge

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Bounds on what is read (H-48).
const (
	maxBody  = 64 << 10 // bytes
	maxPairs = 128      // names and values in a form or query
)

// ErrMediaType says that a body is not of the media type, or not in the plain
// encoding, that its endpoint takes; it answers 415.
var ErrMediaType = errors.New("unsupported media type")

// Limit ends bodies at 64 KiB: at once with 413 where the length is announced,
// else when reading passes it, as an *http.MaxBytesError. The connection is
// closed rather than drained.
func Limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			w.Header().Set("Connection", "close")
			Fail(w, r, &http.MaxBytesError{Limit: maxBody})
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		next.ServeHTTP(w, r)
	})
}

// ReadBody reads all of a body of at most 64 KiB, or answers
// *http.MaxBytesError. Compressed bodies are [ErrMediaType]: nothing here is
// unpacked.
func ReadBody(r *http.Request) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, ErrMediaType
	}
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, tooLarge
		}
		return nil, malformed("the body could not be read")
	}
	if len(body) > maxBody {
		return nil, &http.MaxBytesError{Limit: maxBody}
	}
	return body, nil
}

func malformed(why string) error { return identity.Invalid("invalid_request", why) }

// Form reads a form from the body alone: urlencoded, well-formed to the last
// percent sign, valid UTF-8, at most 128 pairs. The query is no part of it. See
// [Repeated] for names that come twice.
func Form(r *http.Request) (url.Values, error) {
	if !hasMediaType(r, "application/x-www-form-urlencoded") {
		return nil, ErrMediaType
	}
	body, err := ReadBody(r)
	if err != nil {
		return nil, err
	}
	return parsePairs(string(body), "the form")
}

// Query reads the query of a request as strictly as [Form] reads a form.
func Query(r *http.Request) (url.Values, error) {
	return parsePairs(r.URL.RawQuery, "the query")
}

func parsePairs(s, what string) (url.Values, error) {
	if strings.Count(s, "&") >= maxPairs {
		return nil, malformed(what + " has too many fields")
	}
	values, err := url.ParseQuery(s)
	if err != nil {
		return nil, malformed(what + " is malformed") // err would quote it
	}
	for name, all := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(all, func(v string) bool { return !utf8.ValidString(v) }) {
			return nil, malformed(what + " is not UTF-8")
		}
	}
	return values, nil
}

// Repeated returns a name that comes more than once, if there is one that is
// not in except (RFC 6749, 3.1: parameters must not be repeated; RFC 8707 and
// the like except some). Of several it returns the first by spelling.
func Repeated(v url.Values, except ...string) (name string, repeated bool) {
	for n, all := range v {
		if len(all) > 1 && !slices.Contains(except, n) && (!repeated || n < name) {
			name, repeated = n, true
		}
	}
	return name, repeated
}

// hasMediaType reports whether the body is declared to be of this type, in
// UTF-8 where it says so.
func hasMediaType(r *http.Request, want string) bool {
	declared := r.Header.Values("Content-Type")
	if len(declared) != 1 {
		return false
	}
	typ, params, err := mime.ParseMediaType(declared[0])
	if err != nil || typ != want {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
