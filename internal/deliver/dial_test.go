package deliver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestH45_OnlyPublicAddresses: every address that is not a host on the internet
// is refused, whatever it is wrapped in.
func TestH45_OnlyPublicAddresses(t *testing.T) {
	for _, bad := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1", "2001:db8::1", "100::1", "5f00::1", "3fff::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1", "::ffff:192.0.2.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2001:0:7f00:1::1",
		"2606:4700::1111%eth0",
	} {
		if public(netip.MustParseAddr(bad)) {
			t.Errorf("%s may be dialled", bad)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address may be dialled")
	}
	for _, good := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "193.0.0.1", "::ffff:1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(good)) {
			t.Errorf("%s may not be dialled", good)
		}
	}
}

// TestH45_GuardLooksAtTheAddressDialled: by whatever name or spelling, this
// machine is not reached, and nothing is sent to it.
func TestH45_GuardLooksAtTheAddressDialled(t *testing.T) {
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::]", "[::1]"} {
		err := probe(t.Context(), Guard{}.Client(), "http://"+host+":"+port+"/")
		if err == nil {
			t.Errorf("%s was reached", host)
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); (ip != nil || host == "localhost") && !errors.Is(err, errForbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := probe(t.Context(), Guard{}.Client(), "file:///etc/passwd"); err == nil {
		t.Error("a file was read")
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	if err := probe(t.Context(), Guard{Private: true}.Client(), server.URL); err != nil || hits.Load() != 1 {
		t.Errorf("allowed, and yet: %v", err)
	}
}

// TestH45_RebindingIsSeen: a name that is public when it is looked up, and
// private when it is dialled, is refused: the check sees what is dialled.
func TestH45_RebindingIsSeen(t *testing.T) {
	g := Guard{}
	for address, want := range map[string]error{"1.1.1.1:443": nil, "127.0.0.1:443": errForbidden, "[::ffff:10.0.0.1]:443": errForbidden, "not an address": errForbidden} {
		if err := g.control("tcp", address, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
	// The dialler asks it of every address that a name has.
	_, err := g.Dial(t.Context(), "tcp", net.JoinHostPort("localhost", "1"))
	if !errors.Is(err, errForbidden) {
		t.Errorf("localhost: %v", err)
	}
}

// TestH45_NoRedirectAndBoundedAnswers.
func TestH45_NoRedirectAndBoundedAnswers(t *testing.T) {
	var secret atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { secret.Add(1) }))
	defer inside.Close()
	endless := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/moved", http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		defer close(endless)
		w.WriteHeader(http.StatusInternalServerError)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // only then the server sees a client go
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	client := Guard{Private: true}.Client()
	get := func(ctx context.Context, path string) (int, []byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+path, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		return exchange(client, r)
	}
	if status, _, err := get(t.Context(), "/moved"); status != http.StatusTemporaryRedirect || err != nil || secret.Load() != 0 {
		t.Errorf("a redirect was followed: %d %v", status, err)
	}
	if status, body, err := get(t.Context(), "/endless"); status != 500 || len(body) != maxAnswer || err != nil {
		t.Errorf("%d, %d bytes, %v", status, len(body), err)
	}
	<-endless // the server noticed that nobody reads
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, _, err := get(ctx, "/silent"); err == nil || troubleOf(err) != "it did not answer in time" {
		t.Errorf("%v", err)
	}
	if client.Timeout == 0 || client.Transport.(*http.Transport).Proxy != nil {
		t.Error("no time limit, or a proxy of the environment's")
	}
}

// What was taken is taken, although the rest of the answer was lost: else the
// message would be sent twice.
func TestExchangeTakesTheStatusForTheAnswer(t *testing.T) {
	for status, fails := range map[int]bool{201: false, 500: true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "cut")
		}))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := exchange(Guard{Private: true}.Client(), r); (err != nil) != fails {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
}
