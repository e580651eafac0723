package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// homePage is a page about who is signed in.
type homePage struct {
	shell
	Heading string
	Lead    string
	Note    string
	Person  *who
	Form    *plainForm
	Link    link
}

// current finds who is signed in; ok is false for nobody.
func (s *server) current(r *http.Request) (c flow.Current, ok bool, err error) {
	c, err = s.Flows.Current(r.Context(), edge.TenantOf(r.Context()), s.browser(r))
	if errors.Is(err, identity.ErrNotFound) {
		return c, false, nil
	}
	return c, err == nil, err
}

// admitted is current, but nobody where the policy asks for more than the
// session shows.
func (s *server) admitted(r *http.Request) (c flow.Current, ok bool, err error) {
	c, ok, err = s.current(r)
	return c, ok && !c.Insufficient, err
}

// home answers GET /: whoever is signed in is shown what is theirs.
func (s *server) home(w http.ResponseWriter, r *http.Request) error {
	_, in, err := s.admitted(r)
	if err != nil {
		return err
	}
	if in {
		seeOther(w, accountPath)
		return nil
	}
	v := s.Pages.visit(w, r, nil)
	heading := v.Text(messages.HomeOut)
	return s.Pages.render(v, http.StatusOK, "home", homePage{
		shell: s.Pages.shell(v, heading, false), Heading: heading,
		Lead: v.Text(messages.HomeOutLead, "tenant", v.tenantName()),
		Link: link{Href: "/signin", Text: v.Text(messages.HomeSignIn)},
	})
}

// seeOther leads on, so that what was posted is posted nowhere else.
func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// signIn answers GET /signin: it begins a flow of our own, which ends at the
// own path next, or at the home page.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) error {
	query, err := edge.Query(r)
	if err != nil {
		return err
	}
	next := "/"
	if path, ok := edge.OwnPath(query.Get("next")); ok && !loops(path) {
		next = path
	}
	return s.begin(w, r, next)
}

// loops reports paths that would begin the next flow, or end the session, as
// soon as this one is done.
func loops(path string) bool {
	u, err := url.Parse(path)
	return err != nil || u.Path == "/signin" || u.Path == "/signout"
}

// signOutPage answers GET /signout: nothing ends by a GET.
func (s *server) signOutPage(w http.ResponseWriter, r *http.Request) error {
	c, in, err := s.current(r)
	if err != nil {
		return err
	}
	if !in {
		s.Pages.SignedOut(w, r)
		return nil
	}
	s.Pages.ConfirmSignOut(w, r, SignOutAsked{User: c.User.Email, Action: "/signout"})
	return nil
}

// signOut answers POST /signout: the session ends on the server, whatever
// becomes of the cookie.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if _, err := edge.ReadBody(r); err != nil {
		return err
	}
	c, in, err := s.current(r)
	if err != nil {
		return err
	}
	if in {
		if err := s.Flows.SignOut(r.Context(), edge.TenantOf(r.Context()), c.Session.ID, "signed-out", s.browser(r)); err != nil {
			return err
		}
	}
	s.Cookies.ClearSession(w)
	seeOther(w, "/signout")
	return nil
}
