package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// View is what the flow API answers, as far as tests look at it.
type View struct {
	Status   int    `json:"-"`
	Raw      string `json:"-"`
	Header   http.Header
	ID       string   `json:"id"`
	Step     string   `json:"step"`
	Prompts  []Prompt `json:"prompts"`
	Error    *Fault   `json:"error"`
	Redirect string   `json:"redirect"`
	Code     string   `json:"code"` // of a problem
}

// Prompt is one prompt of a view.
type Prompt struct {
	ID        string `json:"id"`
	Factor    string `json:"factor"`
	Enrolling bool   `json:"enrolling"`
	Secret    string `json:"secret"`
}

// Fault is what a view says went wrong.
type Fault struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	RetryAfter int    `json:"retryAfter"`
}

// Failed is the code of what went wrong, in a view or as a problem; "" if nothing.
func (v View) Failed() string {
	if v.Error != nil {
		return v.Error.Code
	}
	return v.Code
}

// Authorize is an authorization request of demo-spa, with a fixed challenge.
func (w *World) Authorize(parameters ...string) string {
	q := url.Values{
		"client_id": {"demo-spa"}, "redirect_uri": {"http://localhost:5173/callback"}, "response_type": {"code"},
		"scope": {"openid offline_access"}, "state": {"state-of-the-test"}, "nonce": {"nonce-of-the-test"},
		"code_challenge": {Challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	return w.Issuer + "/oauth2/authorize?" + q.Encode()
}

// Verifier and Challenge are those of RFC 7636, appendix B.
const (
	Verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// Begin opens a flow and returns its view.
func (p *Person) Begin(address string) View {
	p.t.Helper()
	page := p.Get(address)
	to := page.Location()
	if to == nil || !strings.HasPrefix(to.Path, "/flow/") {
		p.t.Fatalf("%s opens no flow: %d %s %s", address, page.Status, page.Header.Get("Location"), page.Text())
	}
	return p.View(to.String())
}

// View asks for a flow as JSON.
func (p *Person) View(address string) View {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	v, err := p.exchange(r)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// Respond answers the current prompt of a view.
func (p *Person) Respond(w *World, v View, value string) View {
	p.t.Helper()
	if len(v.Prompts) == 0 {
		p.t.Fatalf("nothing to answer: %d %s", v.Status, v.Raw)
	}
	out, err := p.TryRespond(w, v.ID, v.Prompts[0].ID, value)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// TryRespond is Respond for other goroutines than the test's own.
func (p *Person) TryRespond(w *World, flow, prompt, value string) (View, error) {
	return p.Send(w.Issuer+"/flow/"+flow, map[string]any{"prompt": prompt, "response": map[string]any{"value": value}})
}

// Send posts JSON to a flow.
func (p *Person) Send(address string, body any) (View, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return View{}, err
	}
	r, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(encoded))
	if err != nil {
		return View{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	return p.exchange(r)
}

func (p *Person) exchange(r *http.Request) (View, error) {
	r.Header.Set("Accept", "application/json")
	for name, values := range p.Headers {
		r.Header[name] = values
	}
	answer, err := p.HTTP.Do(r)
	if err != nil {
		return View{}, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return View{}, err
	}
	v := View{}
	if err := json.Unmarshal(raw, &v); err != nil && answer.StatusCode == http.StatusOK {
		return v, fmt.Errorf("%s %s: no JSON: %s", r.Method, r.URL, raw)
	}
	v.Status, v.Raw, v.Header = answer.StatusCode, string(raw), answer.Header
	return v, nil
}

// At drives a fresh flow to its second factor and returns that view.
func (p *Person) At(w *World, address string) View {
	p.t.Helper()
	v := p.Respond(w, p.Respond(w, p.Begin(address), p.Email), p.Password)
	if v.Failed() != "" || len(v.Prompts) == 0 {
		p.t.Fatalf("did not reach the second factor: %d %s", v.Status, v.Raw)
	}
	return v
}

// Enrol signs in with a demand for aal2, shows the mailed ticket, sets up an
// authenticator app and keeps the recovery codes. The secret is kept in p; the
// step of the confirming code is spent.
func (p *Person) Enrol(w *World) View {
	p.t.Helper()
	v := p.At(w, w.Authorize("acr_values", "aal2"))
	if v.Prompts[0].Factor == "ticket" {
		v = p.Respond(w, v, w.Sent(p.Email))
	}
	v = p.Choose(w, v, "totp")
	p.Secret = strings.ReplaceAll(v.Prompts[0].Secret, " ", "")
	if p.Secret == "" {
		p.t.Fatalf("no secret is shown: %s", v.Raw)
	}
	v = p.Respond(w, v, Code(p.t, p.Secret, w.Now()))
	if len(v.Prompts) > 0 && v.Prompts[0].Factor == "recovery" {
		v = p.Respond(w, v, "kept")
	}
	if v.Redirect == "" {
		p.t.Fatalf("enrolment does not end the flow: %d %s", v.Status, v.Raw)
	}
	return v
}

// Choose switches to the prompt of a factor, unless it is shown already.
func (p *Person) Choose(w *World, v View, factor string) View {
	p.t.Helper()
	for i, prompt := range v.Prompts {
		if prompt.Factor != factor {
			continue
		}
		if i == 0 && prompt.Secret != "" {
			return v
		}
		out, err := p.Send(w.Issuer+"/flow/"+v.ID, map[string]any{"response": map[string]any{"choose": prompt.ID}})
		if err != nil {
			p.t.Fatal(err)
		}
		return out
	}
	p.t.Fatalf("%s is not offered: %d %s", factor, v.Status, v.Raw)
	return View{}
}
