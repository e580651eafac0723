package edge

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type secretive struct{ Code string }

// H-43: neither the answer nor the log shows what a panic carried.
func TestH43_PanicShowsOnlyItsType(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /flow/{id}", func(w http.ResponseWriter, r *http.Request) {
		Cookies{Secure: true}.SetSession(w, strings.Repeat("s", 22))
		w.Header().Set("Location", "https://app.example.com/?code=SECRET")
		panic(secretive{r.URL.Query().Get("code")})
	})
	h, lines := front(t, mux)
	w := serve(h, request("POST", "/flow/flow_1?code=SECRET", ""))
	if p := problemOf(t, w); w.Code != 500 || p["code"] != "internal" || p["requestId"] != w.Header().Get("X-Request-Id") {
		t.Errorf("%d %v", w.Code, p)
	}
	if len(w.Header()["Set-Cookie"]) != 0 || w.Header().Get("Location") != "" {
		t.Errorf("handed out all the same: %v", w.Header())
	}
	log := lines.String()
	if strings.Contains(log, "SECRET") || strings.Contains(w.Body.String(), "SECRET") || strings.Contains(log, "flow_1") {
		t.Errorf("shown: %s", log)
	}
	for _, want := range []string{`"type":"edge.secretive"`, `"status":500`, `"route":"POST /flow/{id}"`, "TestH43_PanicShowsOnlyItsType", `"request":"` + w.Header().Get("X-Request-Id") + `"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s: %s", want, log)
		}
	}
}

func TestPanicAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	log, lines := newLog()
	h := Logs(log, AccessLog(time.Now, Recover(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("half"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("cannot flush through the recorder: %v", err)
		}
		panic("late")
	}))))
	s := httptest.NewServer(h)
	defer s.Close()
	res, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); string(got) != "half" || err == nil {
		t.Errorf("read %q, then %v; want the connection cut", got, err)
	}
	if strings.Contains(lines.String(), "late") || !strings.Contains(lines.String(), `"msg":"panic"`) {
		t.Error(lines)
	}
}

func TestAccessLog(t *testing.T) {
	c := newClock()
	log, lines := newLog()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /flow/{id}", func(w http.ResponseWriter, _ *http.Request) { c.move(7 * time.Millisecond) })
	mux.HandleFunc("GET /early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
	})
	h := Logs(log, RequestIDs(zeros{}, nil, AccessLog(c.now, Recover(mux))))
	for _, test := range []struct {
		r    *http.Request
		want map[string]any
	}{
		{request("GET", "/flow/flow_secret?token=secret", ""), map[string]any{"method": "GET", "route": "GET /flow/{id}", "status": 200.0, "duration": 7e6}},
		{request("GET", "/early", ""), map[string]any{"method": "GET", "route": "GET /early", "status": 204.0}},
		{request("GET", "/secret/path?secret", ""), map[string]any{"method": "GET", "route": "", "status": 404.0}},
		{request("SECRET", "/", ""), map[string]any{"method": "other", "status": 404.0}},
	} {
		lines.b.Reset()
		serve(h, test.r)
		var line map[string]any
		if err := json.Unmarshal(lines.b.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines, err)
		}
		for k, v := range test.want {
			if line[k] != v {
				t.Errorf("%s %s: %s is %v, want %v", test.r.Method, test.r.URL, k, line[k], v)
			}
		}
		if line["request"] != "AAAAAAAAAAAAAAAA" || strings.Contains(strings.ToLower(lines.String()), "secret") {
			t.Errorf("%s", lines)
		}
	}
}

func TestLogOfIsNeverNil(t *testing.T) {
	if LogOf(t.Context()) == nil {
		t.Error("nil")
	}
}
