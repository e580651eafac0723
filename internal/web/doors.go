package web

import (
	"errors"
	"net/http"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// What links in messages open. A GET does nothing: mail is read by programs,
// too, which follow what they find.

const fieldToken = "token"

// over reports whether a token is good for nothing any more, or never was.
func over(err error) bool {
	return errors.Is(err, identity.ErrNotFound) || errors.Is(err, identity.ErrTaken) || errors.Is(err, identity.ErrExpired)
}

// askNotMe answers GET /account/not-me: what "this wasn't me" will do.
func (s *server) askNotMe(w http.ResponseWriter, r *http.Request) error {
	query, err := edge.Query(r)
	if err != nil {
		return err
	}
	v, token := s.Pages.visit(w, r, nil), query.Get(fieldToken)
	if err := s.Accounts.Repudiable(r.Context(), v.tenant, token); err != nil {
		return s.notMeOver(v, err)
	}
	heading := v.Text(messages.NotMeTitle)
	return s.Pages.render(v, http.StatusOK, "ask", askPage{
		shell: s.Pages.shell(v, heading, false), Heading: heading, Lead: []string{v.Text(messages.NotMeLead)},
		Points: &points{v.Text(messages.NotMeWill), []string{
			v.Text(messages.NotMeSessions), v.Text(messages.NotMeAdded), v.Text(messages.NotMeRemoved), v.Text(messages.NotMeFrozen),
		}},
		Form: askForm{Action: accountPath + "/not-me", Hidden: []pair{{fieldToken, token}}, Submit: v.Text(messages.NotMeSubmit), Grave: true},
		Note: v.Text(messages.NotMeWasMe),
	})
}

// notMe answers POST /account/not-me. The token is all that it takes: whoever
// took the sign-in away may have taken the session, too.
func (s *server) notMe(w http.ResponseWriter, r *http.Request) error {
	form, err := s.ownForm(r)
	if err != nil {
		return err
	}
	v := s.Pages.visit(w, r, nil)
	if err := s.Accounts.Repudiate(r.Context(), v.tenant, form.Get(fieldToken)); err != nil {
		return s.notMeOver(v, err)
	}
	s.Cookies.ClearSession(w)
	seeOther(w, accountPath+"/not-me/done")
	return nil
}

func (s *server) notMeOver(v visit, err error) error {
	if !over(err) {
		return err
	}
	heading := v.Text(messages.NotMeGone)
	return s.Pages.render(v, edge.Status(err), "message", messagePage{
		shell: s.Pages.shell(v, heading, false), Tone: "bad", Heading: heading,
		Lead:  []string{v.Text(messages.NotMeGoneLead), v.Text(messages.NotMeGoneAgain)},
		Links: []link{{Href: "/signin?next=" + accountPath, Text: v.Text(messages.HomeSignIn)}},
	})
}

// notMeDone says what happened and what to do next.
func (s *server) notMeDone(w http.ResponseWriter, r *http.Request) error {
	v := s.Pages.visit(w, r, nil)
	heading := v.Text(messages.NotMeDone)
	return s.Pages.render(v, http.StatusOK, "ask", askPage{
		shell: s.Pages.shell(v, heading, false), Tone: "good", Heading: heading, Lead: []string{v.Text(messages.NotMeDoneLead)},
		Points: &points{v.Text(messages.NotMeNext), []string{
			v.Text(messages.NotMeMailbox), v.Text(messages.NotMePassword), v.Text(messages.NotMeReview), v.Text(messages.NotMeHelp, "tenant", v.tenantName()),
		}},
		Stay: link{Href: "/signin?next=" + accountPath, Text: v.Text(messages.HomeSignIn)},
	})
}

// askJoin answers GET /join: an invitation, which is not looked at, let alone
// used up, before somebody accepts it.
func (s *server) askJoin(w http.ResponseWriter, r *http.Request) error {
	query, err := edge.Query(r)
	if err != nil {
		return err
	}
	v := s.Pages.visit(w, r, nil)
	heading := v.Text(messages.JoinTitle, "tenant", v.tenantName())
	return s.Pages.render(v, http.StatusOK, "ask", askPage{
		shell: s.Pages.shell(v, heading, false), Heading: heading, Lead: []string{v.Text(messages.JoinLead, "tenant", v.tenantName())},
		Form: askForm{Action: "/join", Hidden: []pair{{fieldToken, query.Get(fieldToken)}}, Submit: v.Text(messages.JoinSubmit)},
		Note: v.Text(messages.JoinHint),
	})
}

// join answers POST /join: the flow of an invitation begins.
func (s *server) join(w http.ResponseWriter, r *http.Request) error {
	form, err := s.ownForm(r)
	if err != nil {
		return err
	}
	begun, err := s.Accounts.BeginJoin(r.Context(), edge.TenantOf(r.Context()), s.bound(w, r), form.Get(fieldToken))
	if over(err) {
		v := s.Pages.visit(w, r, nil)
		heading := v.Text(messages.JoinGone)
		return s.Pages.render(v, edge.Status(err), "message", messagePage{
			shell: s.Pages.shell(v, heading, false), Tone: "bad", Heading: heading, Lead: []string{v.Text(messages.JoinAgain)},
			Links: []link{{Href: "/signin", Text: v.Text(messages.HomeSignIn)}},
		})
	}
	if err != nil {
		return err
	}
	s.follow(w, begun)
	return nil
}
