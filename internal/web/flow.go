package web

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// showFlow answers GET /flow/{id}.
func (s *server) showFlow(w http.ResponseWriter, r *http.Request) error {
	view, err := s.Flows.View(r.Context(), edge.TenantOf(r.Context()), s.browser(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.tell(w, r, flow.Posted{View: view}, flow.Post{})
}

// postFlow answers POST /flow/{id}.
func (s *server) postFlow(w http.ResponseWriter, r *http.Request) error {
	post, err := readPost(r)
	if err != nil {
		return err
	}
	posted, err := s.Flows.Post(r.Context(), edge.TenantOf(r.Context()), s.browser(r), r.PathValue("id"), post)
	if err != nil {
		return err
	}
	if posted.Answer != nil {
		s.keep(w, posted.Answer)
		posted.View.Redirect, posted.View.Form = posted.Answer.Redirect, posted.Answer.Form
	}
	return s.tell(w, r, posted, post)
}

// queryResent marks the address of a page that is shown after a code was sent anew.
const queryResent = "sent"

// tell answers with a view: the same facts as JSON or as a page. post is what it
// answers, if anything.
func (s *server) tell(w http.ResponseWriter, r *http.Request, posted flow.Posted, post flow.Post) error {
	view := posted.View
	if view.Popup {
		edge.AllowPopup(w)
	}
	v := s.Pages.visit(w, r, view.Locales)
	v.now = s.Now()
	if wantsJSON(r) {
		return writeJSON(w, http.StatusOK, v.body(view))
	}
	switch {
	case view.Redirect != "" && view.Form != nil:
		s.Pages.handOver(v, view.Redirect, view.Form, view.Application.Name)
		return nil
	case view.Step == flow.Denied && slices.Contains(view.Reasons, policy.RiskHigh) && pageAddress(view.Redirect):
		return s.Pages.tooUnusual(v, view)
	case view.Redirect != "":
		// 303 turns a POST into a GET: what was posted goes nowhere else.
		edge.SetCSP(w, view.Origin)
		seeOther(w, view.Redirect)
		return nil
	case r.Method == http.MethodPost && view.Error == nil:
		to := "/flow/" + view.ID
		if post.Resend {
			to += "?" + queryResent
		}
		seeOther(w, to)
		return nil
	}
	status := http.StatusOK
	if view.Error != nil {
		// Not 200: password managers and tests can tell that nothing was accepted.
		status = http.StatusUnprocessableEntity
		if view.Error.RetryAfter > 0 {
			edge.SetRetryAfter(w, time.Duration(view.Error.RetryAfter)*time.Second)
		}
	}
	page := s.Pages.flowPage(v, view, post)
	if view.Step != flow.Done && view.Step != flow.Denied {
		page.Ends = v.ending(view.ExpiresAt, s.Pages.wayOn(v, fault{home: view.Application.Home}).Href)
	}
	return s.Pages.render(v, status, "flow", page, view.Origin)
}

// viewBody is a view on the wire, with the form_post fields where there are any.
type viewBody struct {
	flow.View
	Form map[string]string `json:"form,omitempty"`
}

// body fills in what a view says in words.
func (v visit) body(view flow.View) viewBody {
	prompts := make([]flow.ViewPrompt, len(view.Prompts))
	copy(prompts, view.Prompts)
	places := []string{"application", v.applicationName(view.Application.Name), "tenant", v.tenantName()}
	for i, prompt := range prompts {
		words := v.wordsOf(prompt, places)
		prompts[i].Label = cmp.Or(words.Label, words.Submit)
		if prompt.Offer {
			prompts[i].Label = words.Choose
		}
		prompts[i].QR = pictureURL(prompt.QR)
	}
	view.Prompts = prompts
	if view.Error != nil {
		told := *view.Error
		told.Message = v.errorText(view.Error)
		view.Error = &told
	}
	return viewBody{View: view, Form: view.Form}
}

// pictureURL makes a picture something that an <img> takes. As an image, an SVG
// runs no script wherever it is shown.
func pictureURL(svg string) string {
	if svg == "" {
		return ""
	}
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}

// wantsJSON reports whether the answer is for a program. A page is what you get
// if you ask for nothing in particular, unless you sent JSON.
func wantsJSON(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	if strings.Contains(accept, "text/html") {
		return false
	}
	return strings.Contains(accept, "application/json") || strings.Contains(accept, "application/problem+json") || isJSON(r)
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept, Accept-Language")
	w.WriteHeader(status)
	_, err = w.Write(encoded)
	return gone(err)
}

// begin starts a flow of our own page that ends at an own path.
func (s *server) begin(w http.ResponseWriter, r *http.Request, path string) error {
	begun, err := s.Flows.Begin(r.Context(), edge.TenantOf(r.Context()), s.bound(w, r), flow.Request{
		Authorization: identity.AuthorizationRequest{OwnPage: true, RedirectURI: path, RequestedAt: s.Now()},
	})
	if err != nil {
		return err
	}
	s.follow(w, begun)
	return nil
}

// bound is the browser, with the cookie that flows hang on.
func (s *server) bound(w http.ResponseWriter, r *http.Request) flow.Browser {
	b := s.browser(r)
	b.Binding = s.Cookies.EnsureBinding(w, r, s.Random)
	return b
}

// follow leads to a flow that was begun, or to where it ended at once.
func (s *server) follow(w http.ResponseWriter, begun flow.Begun) {
	to := "/flow/" + begun.FlowID
	if begun.Answer != nil {
		s.keep(w, begun.Answer)
		to = begun.Answer.Redirect
	}
	seeOther(w, to)
}

// pageAddress reports whether a link may lead there from a page: not to an
// application of the system, which a page cannot name.
func pageAddress(to string) bool {
	return strings.HasPrefix(to, "/") || strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "http://")
}

// tooUnusual tells a person why they were not let through, and what helps, before
// they go back to where they came from.
func (p *Pages) tooUnusual(v visit, view flow.View) error {
	back := link{Href: view.Redirect, Text: v.Text(messages.FaultBackTo, "application", v.applicationName(view.Application.Name))}
	if strings.HasPrefix(view.Redirect, "/") {
		back.Text = v.Text(messages.FaultHome, "tenant", v.tenantName())
	}
	heading := v.Text(messages.UnusualTitle)
	return p.render(v, http.StatusForbidden, "message", messagePage{
		shell: p.shell(v, heading, false), Tone: "bad", Heading: heading,
		Lead: []string{v.Text(messages.UnusualLead, "tenant", v.tenantName()), v.Text(messages.UnusualWay)}, Links: []link{back},
	}, view.Origin)
}
