package hostile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/test/world"
)

// resident is the memory that a process has, in kilobytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

func TestH48_HugeAndTwistedBodies(t *testing.T) {
	w := world.Start(t)
	p := w.Person(t, world.Grace, world.GracePassword)
	v := p.Begin(w.Authorize())
	flow := "/flow/" + v.ID
	const form = "application/x-www-form-urlencoded"
	nested := strings.Repeat("[", 100_000)
	fields := strings.Repeat("a=b&", 100_000)
	jwt := "e" + strings.Repeat("A", 40_000) + "." + strings.Repeat("B", 10_000) + ".C"
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(z, zeros{}, 32<<20)
	_ = z.Close()

	before := resident(t, w.PID())
	cases := []struct {
		name, path, kind, encoding string
		body                       string
		want                       []int
	}{
		{"nested JSON within the limit", flow, "application/json", "", nested[:60_000], []int{400}},
		{"nested objects", flow, "application/json", "", strings.Repeat(`{"response":`, 5_000), []int{400}},
		{"nested JSON", flow, "application/json", "", nested, []int{413, 400}},
		{"form fields", flow, form, "", fields, []int{413, 400}},
		{"form fields within the limit", flow, form, "", fields[:60_000], []int{400}},
		{"form fields at the token endpoint", "/oauth2/token", form, "", fields[:60_000], []int{400}},
		{"a JWT as assertion", "/oauth2/token", form, "", "grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=" + jwt, []int{400, 401, 413}},
		{"a code of 60 kB", "/oauth2/token", form, "", "grant_type=authorization_code&client_id=demo-spa&code=" + strings.Repeat("x", 60_000), []int{400, 401}},
		{"a gzip bomb", flow, "application/json", "gzip", bomb.String(), []int{400, 413, 415}},
		{"bytes that are no UTF-8", flow, "application/json", "", "{\"response\":{\"value\":\"\xff\xfe\"}}", []int{400, 200}},
		{"a number beyond all", flow, "application/json", "", `{"prompt":1e999999,"response":{}}`, []int{400}},
		{"two documents", flow, "application/json", "", `{"response":{"cancel":true}}{"response":{}}`, []int{400}},
		{"a name twice", flow, form, "", "action=restart&action=cancel", []int{400}},
	}
	for _, c := range cases {
		r, err := http.NewRequest(http.MethodPost, w.Issuer+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		page := p.Do(r)
		ok := false
		for _, want := range c.want {
			ok = ok || page.Status == want
		}
		if !ok {
			t.Errorf("%s: %d, want %v: %.200s", c.name, page.Status, c.want, page.Body)
		}
	}

	for _, path := range []string{flow, "/oauth2/token", "/oauth2/par", "/oauth2/authorize", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/logout", "/signout", "/api/v1/me/enrolments"} {
		for _, length := range []string{"Content-Length: 104857600", "Transfer-Encoding: chunked"} {
			status, took := flood(t, w, path, length, cookiesOf(t, w, p))
			if status != http.StatusRequestEntityTooLarge && status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusBadRequest {
				t.Errorf("100 MB to %s (%s): %d, want 413", path, length, status)
			}
			if took > 16<<20 { // what sockets hold on loopback, far from all of it
				t.Errorf("100 MB to %s (%s): %d bytes were taken before the answer", path, length, took)
			}
		}
	}

	page := p.Get(w.Issuer + "/api/v1/me")
	long, err := http.NewRequest(http.MethodGet, w.Issuer+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	long.Header.Set("Authorization", "Bearer "+jwt)
	if got := p.Do(long); got.Status != http.StatusUnauthorized && got.Status != http.StatusRequestHeaderFieldsTooLarge && got.Status != http.StatusBadRequest {
		t.Errorf("a bearer token of 50 kB: %d (without one %d)", got.Status, page.Status)
	}
	if after := resident(t, w.PID()); after > before+64<<10 {
		t.Errorf("memory grew from %d to %d kB", before, after)
	}
	if after := p.View(w.Issuer + flow); after.Step != v.Step {
		t.Errorf("the flow moved from %q to %q", v.Step, after.Step)
	}
	if to := p.SignIn(w.Authorize()); to.Query().Get("code") == "" {
		t.Errorf("nobody can sign in after that: %s", to)
	}
}

func cookiesOf(t *testing.T, w *world.World, p *world.Person) string {
	var out []string
	for _, c := range p.Jar.Cookies(mustURL(t, w.Issuer)) {
		out = append(out, c.Name+"="+c.Value)
	}
	return strings.Join(out, "; ")
}

// flood sends 100 MB and returns the status, and how much of it was taken
// before the answer came.
func flood(t *testing.T, w *world.World, path, length, cookies string) (status, took int) {
	t.Helper()
	u := mustURL(t, w.Issuer)
	c, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nCookie: %s\r\n%s\r\n\r\n", path, u.Host, cookies, length)
	answered := make(chan int, 1)
	go func() {
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			answered <- 0
			return
		}
		answered <- answer.StatusCode
	}()
	piece := []byte("a=" + strings.Repeat("b", 16<<10-3) + "&")
	for took < 100<<20 {
		if strings.HasPrefix(length, "Transfer") {
			if _, err := fmt.Fprintf(c, "%x\r\n", len(piece)); err != nil {
				break
			}
		}
		n, err := c.Write(piece)
		took += n
		if err != nil {
			break
		}
		if strings.HasPrefix(length, "Transfer") {
			if _, err := fmt.Fprint(c, "\r\n"); err != nil {
				break
			}
		}
		select {
		case status := <-answered:
			return status, took
		default:
		}
	}
	return <-answered, took
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
