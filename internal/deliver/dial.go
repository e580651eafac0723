package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Limits of one request to the outside.
const (
	dialFor    = 5 * time.Second
	requestFor = 10 * time.Second
	maxAnswer  = 64 << 10 // bytes of an answer that are read
)

var errForbidden = errors.New("deliver: the address is private, local or reserved")

// Guard decides where requests may go. It looks at the address itself, when it
// is dialled and after every name was resolved: so no name, no spelling of a
// number, and no answer of a DNS server that changes its mind gets around it.
type Guard struct {
	Private bool           // let private and local addresses pass: the operator meant them
	Roots   *x509.CertPool // of servers; nil means the system's
}

// Client returns a client for requests to addresses that others chose. It
// follows no redirect, takes no proxy from the environment, and gives up in
// time.
func (g Guard) Client() *http.Client {
	return &http.Client{
		Timeout:       requestFor,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            g.Dial,
			TLSClientConfig:        &tls.Config{RootCAs: g.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialFor,
			ResponseHeaderTimeout:  requestFor,
			MaxResponseHeaderBytes: 16 << 10,
			DisableCompression:     true, // an answer is as long as it looks
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
		},
	}
}

// Dial connects where the guard allows it.
func (g Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialFor, Control: g.control}
	return d.DialContext(ctx, network, address)
}

// control sees what is about to be connected to: an address, not a name.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	if g.Private {
		return nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) {
		return errForbidden
	}
	return nil
}

// public reports whether an address is a host on the internet: none of this
// machine, of this network, or of IANA's special registries, in whatever form
// an IPv4 address may be wrapped.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range reserved() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// reserved are the special ranges (RFC 6890 and its registries) that netip does
// not know by name. Translated and tunnelled addresses are among them, since
// they lead to an IPv4 address that would have to be looked at in turn.
func reserved() []netip.Prefix {
	out := make([]netip.Prefix, 0, 24)
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// exchange sends a request and returns its status and at most maxAnswer bytes.
func exchange(client *http.Client, r *http.Request) (status int, body []byte, err error) {
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, troubled(err, "%s", reason(err))
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil && res.StatusCode/100 != 2 { // what was taken is taken, whatever else was to be said
		return res.StatusCode, nil, troubled(err, "%s", reason(err))
	}
	return res.StatusCode, body, nil
}

// probe asks for the head of an address: any answer shows that it is there.
func probe(ctx context.Context, client *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", reason(err), err)
	}
	return res.Body.Close()
}

func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert)
}
