package edge

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const formType = "application/x-www-form-urlencoded"

func posted(mediaType, body string) *http.Request {
	r := request("POST", "/?query=1", body)
	r.Header.Set("Content-Type", mediaType)
	return r
}

// endless yields bytes for ever and counts them.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.n += len(p)
	return len(p), nil
}

func TestH48_BodiesEndAt64KiB(t *testing.T) {
	var got []byte
	h := Limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if got, err = ReadBody(r); err != nil {
			Fail(w, r, err)
		}
	}))
	if w := serve(h, posted(formType, strings.Repeat("a", maxBody))); w.Code != 200 || len(got) != maxBody {
		t.Errorf("just within: %d, %d bytes", w.Code, len(got))
	}
	announced, announcedBody := httptest.NewRequest("POST", "/", nil), &endless{}
	announced.Body, announced.ContentLength = io.NopCloser(announcedBody), 100<<20
	chunked, chunkedBody := httptest.NewRequest("POST", "/", nil), &endless{}
	chunked.Body, chunked.ContentLength = io.NopCloser(chunkedBody), -1
	for name, r := range map[string]*http.Request{"announced": announced, "chunked": chunked} {
		w := serve(h, r)
		if p := problemOf(t, w); w.Code != 413 || p["code"] != "too_large" {
			t.Errorf("%s: %d %v", name, w.Code, p)
		}
	}
	if announcedBody.n != 0 || chunkedBody.n > 4*maxBody {
		t.Errorf("read %d bytes of the announced, %d of the chunked", announcedBody.n, chunkedBody.n)
	}
	// Without the middleware, too.
	bare, bareBody := httptest.NewRequest("POST", "/", nil), &endless{}
	bare.Body = io.NopCloser(bareBody)
	if _, err := ReadBody(bare); Status(err) != 413 || bareBody.n > 4*maxBody {
		t.Errorf("without Limit: %v after %d bytes", err, bareBody.n)
	}
}

// Over a real connection: the answer comes while the client still sends.
func TestH48_TooLargeIsAnsweredWhileItIsSent(t *testing.T) {
	s := httptest.NewServer(Limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := ReadBody(r); err != nil {
			Fail(w, r, err)
		}
	})))
	defer s.Close()
	res, err := s.Client().Post(s.URL, formType, io.LimitReader(&endless{}, 1<<20)) // chunked
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 413 || !res.Close {
		t.Errorf("status %d, closes %v", res.StatusCode, res.Close)
	}
}

func TestH48_NothingIsUnpacked(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.Copy(z, io.LimitReader(&endless{}, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := posted(formType, bomb.String())
	r.Header.Set("Content-Encoding", "gzip")
	if _, err := Form(r); Status(err) != 415 {
		t.Errorf("%v", err)
	}
	r = posted(formType, "a=b")
	r.Header.Set("Content-Encoding", "identity")
	if v, err := Form(r); err != nil || v.Get("a") != "b" {
		t.Errorf("identity: %v", err)
	}
}

func TestH48_Forms(t *testing.T) {
	for name, test := range map[string]struct {
		mediaType, body string
		status          int
	}{
		"good":                 {formType, "a=1&b=%C3%A9+x&a=2", 200},
		"charset":              {formType + "; charset=UTF-8", "a=1", 200},
		"empty":                {formType, "", 200},
		"128 pairs":            {formType, strings.Repeat("a=1&", 127) + "a=1", 200},
		"129 pairs":            {formType, strings.Repeat("a=1&", 128) + "a=1", 400},
		"ten thousand names":   {formType, strings.Repeat("&", 10_000), 400},
		"bad escape":           {formType, "a=%zz", 400},
		"cut escape":           {formType, "a=%4", 400},
		"bad escape in a name": {formType, "%=1", 400},
		"semicolon":            {formType, "a=1;b=2", 400},
		"not UTF-8":            {formType, "a=%ff", 400},
		"name not UTF-8":       {formType, "%ff=a", 400},
		"multipart":            {"multipart/form-data; boundary=x", "--x--", 415},
		"text":                 {"text/plain", "a=1", 415},
		"JSON":                 {"application/json", "{}", 415},
		"no type":              {"", "a=1", 415},
		"broken type":          {formType + ";;;=", "a=1", 415},
		"other charset":        {formType + "; charset=utf-16", "a=1", 415},
		"too large":            {formType, "a=" + strings.Repeat("b", maxBody), 413},
	} {
		v, err := Form(posted(test.mediaType, test.body))
		status := 200
		if err != nil {
			status = Status(err)
		}
		if status != test.status {
			t.Errorf("%s: %d (%v), want %d", name, status, err, test.status)
		}
		if v.Has("query") {
			t.Errorf("%s: the query came in", name)
		}
		if err != nil && test.body != "" && strings.Contains(err.Error(), test.body) {
			t.Errorf("%s: the error quotes what was sent: %v", name, err)
		}
	}
}

func TestQueryIsReadStrictly(t *testing.T) {
	for query, status := range map[string]int{"a=1&b=2": 200, "": 200, "a=%zz": 400, "a=%ff": 400, "a;b": 400, strings.Repeat("a&", 128): 400} {
		_, err := Query(&http.Request{URL: &url.URL{RawQuery: query}})
		if (status == 200) != (err == nil) || err != nil && Status(err) != status {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func TestRepeated(t *testing.T) {
	v := url.Values{"a": {"1"}, "resource": {"1", "2"}, "z": {"1", "1"}, "scope": {"", ""}}
	if name, repeated := Repeated(v, "resource"); name != "scope" || !repeated {
		t.Errorf("%q, %v", name, repeated)
	}
	if name, repeated := Repeated(v, "resource", "z", "scope"); name != "" || repeated {
		t.Errorf("%q, %v", name, repeated)
	}
}

func FuzzForm(f *testing.F) {
	f.Add("a=1&b=%C3%A9+x&a=2")
	f.Add("%=&;&&&=%")
	f.Fuzz(func(t *testing.T, body string) {
		v, err := Form(posted(formType, body))
		if err != nil {
			if s := Status(err); s != 400 && s != 413 {
				t.Fatalf("status %d", s)
			}
			return
		}
		again, err := Form(posted(formType, v.Encode()))
		if err != nil || again.Encode() != v.Encode() {
			t.Fatalf("%q reads differently when written again: %v", body, err)
		}
	})
}

type inner struct {
	Value string `json:"value"`
}

type body struct {
	inner2
	Prompt   string          `json:"prompt"`
	Response *inner          `json:"response"`
	List     []inner         `json:"list"`
	Map      map[string]int  `json:"map"`
	Raw      json.RawMessage `json:"raw"`
	Any      any             `json:"any"`
	Hidden   string          `json:"-"`
	Plain    int
}

type inner2 struct {
	Embedded bool `json:"embedded"`
}

func TestH38_JSONWithoutSurprises(t *testing.T) {
	nest := func(n int) string {
		return `{"any":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"good": {`{"prompt":"p1","response":{"value":"123456"},"list":[{"value":"x"},{}],"map":{"any":1},
			"raw":{"id":"a","X":{"y":[1]}},"any":{"q":null},"embedded":true,"Plain":1}`, 200},
		"empty object":            {`{}`, 200},
		"null for a pointer":      {`{"response":null}`, 200},
		"unknown":                 {`{"tenant_id":"x"}`, 400},
		"unknown, nested":         {`{"response":{"value":"1","aal":3}}`, 400},
		"unknown in a list":       {`{"list":[{"role":"admin"}]}`, 400},
		"hidden field":            {`{"Hidden":"x"}`, 400},
		"dash":                    {`{"-":"x"}`, 400},
		"embedded by type":        {`{"inner2":{"embedded":true}}`, 400},
		"case variant":            {`{"Prompt":"p1"}`, 400},
		"case variant, long s":    {`{"reſponse":{}}`, 400},
		"go field name":           {`{"plain":1}`, 400},
		"twice":                   {`{"prompt":"a","prompt":"b"}`, 400},
		"twice, escaped":          {`{"prompt":"a","\u0070rompt":"b"}`, 400},
		"twice, nested":           {`{"response":{"value":"a","value":"b"}}`, 400},
		"twice in what is opaque": {`{"raw":{"id":1,"id":2}}`, 400},
		"twice, by case, opaque":  {`{"raw":{"id":1,"ID":2}}`, 400},
		"twice, by odd case":      {`{"raw":{"key":1,"` + "\u212a" + `ey":2}}`, 400},
		"twice in a map":          {`{"map":{"a":1,"a":2}}`, 400},
		"same name at two depths": {`{"any":{"a":{"a":1}}}`, 200},
		"trailing value":          {`{} {}`, 400},
		"trailing garbage":        {`{}x`, 400},
		"trailing space":          {"{}\n", 200},
		"list":                    {`[]`, 400},
		"null":                    {`null`, 400},
		"text":                    {`"x"`, 400},
		"number":                  {`1`, 400},
		"nothing":                 {``, 400},
		"cut":                     {`{"prompt":"p1"`, 400},
		"cut in a list":           {`{"list":[`, 400},
		"missing comma":           {`{"prompt":"a" "Plain":1}`, 400},
		"missing colon":           {`{"prompt" "a"}`, 400},
		"extra comma":             {`{"prompt":"a",}`, 400},
		"single quotes":           {`{'prompt':'a'}`, 400},
		"comment":                 {`{/**/}`, 400},
		"wrong type":              {`{"prompt":1}`, 400},
		"wrong type, nested":      {`{"response":"x"}`, 400},
		"object for a list":       {`{"list":{"value":"x"}}`, 400},
		"not UTF-8":               {"{\"prompt\":\"\xff\"}", 400},
		"byte order mark":         {"\ufeff{}", 400},
		"32 deep":                 {nest(32), 200},
		"33 deep":                 {nest(33), 400},
		"many deep":               {strings.Repeat("[", 60_000), 400},
		"many deep, objects":      {strings.Repeat(`{"any":`, 8000), 400},
		"too large":               {`{"prompt":"` + strings.Repeat("a", maxBody) + `"}`, 413},
	} {
		var dst body
		err := DecodeJSON(posted("application/json", test.body), &dst)
		status := 200
		if err != nil {
			status = Status(err)
		}
		if status != test.status {
			t.Errorf("%s: %d (%v), want %d", name, status, err, test.status)
		}
		if name == "good" && (dst.Response.Value != "123456" || !dst.Embedded || dst.Plain != 1 || len(dst.List) != 2 || string(dst.Raw) != `{"id":"a","X":{"y":[1]}}`) {
			t.Errorf("read %+v", dst)
		}
	}
}

// H-28: what a form of another site can send is not taken for JSON.
func TestH28_JSONMustSaySo(t *testing.T) {
	for mediaType, ok := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "Application/JSON": true,
		"text/plain": false, "": false, formType: false, "multipart/form-data; boundary=x": false, "application/jsonp": false,
		"text/plain; application/json": false, "application/json; charset=utf-16": false, "application/problem+json": false,
	} {
		err := DecodeJSON(posted(mediaType, `{}`), &body{})
		if ok && err != nil || !ok && !errors.Is(err, ErrMediaType) {
			t.Errorf("%q: %v", mediaType, err)
		}
	}
	r := posted("text/plain", `{}`)
	r.Header.Add("Content-Type", "application/json")
	if err := DecodeJSON(r, &body{}); !errors.Is(err, ErrMediaType) {
		t.Errorf("two types: %v", err)
	}
}

func TestJSONErrorsQuoteNothing(t *testing.T) {
	for _, text := range []string{`{"prompt":123456}`, `{"response":{"value":123456}}`, `{"x123456":1}`, `{"prompt":"123456"`, `{"Plain":"123456"}`} {
		if err := DecodeJSON(posted("application/json", text), &body{}); err == nil || strings.Contains(err.Error(), "123456") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add(`{"prompt":"p1","response":{"value":"1"},"raw":{"a":[1,{"b":null}]}}`)
	f.Add(`{"any":[[[[1e5]]]],"map":{"x":1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var dst body
		err := DecodeJSON(posted("application/json", text), &dst)
		if err != nil {
			if s := Status(err); s != 400 && s != 413 || !errors.Is(err, identity.ErrInvalid) && s != 413 {
				t.Fatalf("%v", err)
			}
			return
		}
		// What is accepted here, the strictest reading of the standard library accepts.
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&body{}); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
