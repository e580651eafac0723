package web

import (
	"slices"
	"strings"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

const (
	fewCodes  = 3  // so few are left that a person should make new ones
	manyLines = 20 // of recent activity
)

// owner is a person looking at what is theirs.
type owner struct {
	visit
	flow.Account
	apps     map[string]string // names of applications
	methods  Methods
	standing func(identity.Tenant, identity.Session, []assurance.Proof) (assurance.Standing, error)
}

func (o owner) sections() []section {
	all := []section{o.held(), o.offered()}
	if o.CodesOf != "" {
		all = append(all, o.codesLeft())
	}
	return append(all, o.secret(), o.details(), o.signedIn(), o.connected(), o.lately())
}

// second are the methods beside codes, which have a section of their own.
func (o owner) second() []identity.Enrolment {
	return slices.DeleteFunc(slices.Clone(o.Enrolments), func(e identity.Enrolment) bool {
		return o.CodesOf != "" && e.Factor == o.CodesOf
	})
}

// held lists the sign-in methods.
func (o owner) held() section {
	s := section{
		ID: "methods", Title: o.Text(messages.AccountMethods), Lead: o.Text(messages.AccountMethodsLead),
		Empty: o.Text(messages.AccountMethodsNone),
	}
	methods := o.second()
	for _, e := range methods {
		s.Rows = append(s.Rows, o.method(e))
	}
	switch live := slices.DeleteFunc(methods, func(e identity.Enrolment) bool { return e.Suspended }); len(live) {
	case 0:
		s.Advice = &advice{o.Text(messages.AccountFirst), o.Text(messages.AccountFirstLead)}
	case 1:
		s.Advice = &advice{o.Text(messages.AccountSuggest), o.Text(messages.AccountSuggestLead)}
	}
	if len(o.offers()) == 0 {
		s.Advice = nil
	}
	return s
}

// nameOf is what a method is called: by its owner, or by what it is.
func (v visit) nameOf(e identity.Enrolment) string {
	if name := messages.Clean(e.Name); name != "" {
		return name
	}
	return v.Factor(e.Factor)
}

func (o owner) method(e identity.Enrolment) row {
	name := o.nameOf(e)
	out := row{Title: name}
	if kind := o.Factor(e.Factor); kind != name {
		out.Facts = append(out.Facts, plain(kind))
	}
	out.Facts = append(out.Facts, o.stamp(messages.AccountMethodAdded, e.EnrolledAt))
	if e.LastUsedAt != nil {
		out.Facts = append(out.Facts, o.stamp(messages.AccountMethodUsed, *e.LastUsedAt))
	} else {
		out.Facts = append(out.Facts, plain(o.Text(messages.AccountMethodUnused)))
	}
	switch {
	case e.Suspended:
		out.Note = o.Text(messages.AccountMethodSuspended)
	case o.methods.Restricted(e.Factor):
		out.Note = o.Text(messages.AccountMethodRestricted)
	}
	out.Ways = []way{
		{Href: accountPath + "/rename/" + e.ID, Text: o.Text(messages.AccountRename), For: o.Text(messages.AccountRenameFor, "name", name)},
		{Href: accountPath + "/remove/" + e.ID, Text: o.Text(messages.AccountRemove), For: o.Text(messages.AccountRemoveFor, "name", name), Grave: true},
	}
	return out
}

func (o owner) offers() []string {
	return slices.DeleteFunc(slices.Clone(o.Offered), func(f string) bool { return f == o.CodesOf })
}

// offered lists what could be added.
func (o owner) offered() section {
	s := section{
		ID: "add", Inner: true, Title: o.Text(messages.AccountAdd), Lead: o.Text(messages.AccountAddLead),
		Empty: o.Text(messages.AccountAddNone, "tenant", o.tenantName()),
	}
	for _, factor := range o.offers() {
		name := o.Factor(factor)
		s.Rows = append(s.Rows, row{Title: o.Enrolment(factor).Choose, Ways: []way{{
			Action: accountPath + "/add", Fields: []pair{{"factor", factor}},
			Text: o.Text(messages.AccountAddThis), For: o.Text(messages.AccountAddFor, "factor", name),
		}}})
	}
	if len(s.Rows) == 0 {
		s.Lead = ""
	}
	return s
}

// codesLeft tells how many codes are left, before there are none.
func (o owner) codesLeft() section {
	s := section{ID: "codes", Title: o.Text(messages.AccountCodes), Lead: o.Text(messages.AccountCodesLead)}
	if o.Codes < 0 {
		s.Empty = o.Text(messages.AccountCodesNone)
		s.Ways = []way{{Action: accountPath + "/add", Fields: []pair{{"factor", o.CodesOf}}, Text: o.Text(messages.AccountCodesMake)}}
		return s
	}
	switch {
	case o.Codes == 0:
		s.Alert = o.Text(messages.AccountCodesGone)
	case o.Codes <= fewCodes:
		s.Alert = o.Count(messages.AccountCodesLow, o.Codes)
	default:
		s.Rows = []row{{Title: o.Count(messages.AccountCodesLeft, o.Codes)}}
	}
	s.Ways = []way{{Href: accountPath + "/codes", Text: o.Text(messages.AccountCodesRenew)}}
	return s
}

func (o owner) secret() section {
	s := section{ID: "secret", Title: o.Text(messages.AccountPassword)}
	change := way{Href: accountPath + "/password", Text: o.Text(messages.AccountPasswordChange)}
	if o.Password == nil {
		s.Empty, change.Text = o.Text(messages.AccountPasswordNone), o.Text(messages.AccountPasswordCreate)
	} else {
		s.Rows = []row{{Facts: []stamp{o.stamp(messages.AccountPasswordSet, o.Password.EnrolledAt)}}}
	}
	s.Ways = []way{change}
	return s
}

// details are how a person is called and reached.
func (o owner) details() section {
	u := o.User
	name := row{Title: o.Text(messages.AccountName), Facts: []stamp{plain(or(u.Name, o.Text(messages.AccountNameNone)))}}
	name.Ways = []way{{Href: accountPath + "/name", Text: o.Text(messages.AccountNameChange)}}
	mail := row{Title: o.Text(messages.AccountEmail), Facts: []stamp{plain(or(u.Email, o.Text(messages.AccountEmailNone)))}}
	mail.Ways = []way{{Href: accountPath + "/email", Text: o.Text(messages.AccountEmailChange)}}
	switch {
	case u.Email == "":
	case u.EmailVerified:
		mail.Facts = append(mail.Facts, plain(o.Text(messages.AccountEmailVerified)))
	default:
		mail.Facts = append(mail.Facts, plain(o.Text(messages.AccountEmailUnverified)))
	}
	phone := row{Title: o.Text(messages.AccountPhone), Facts: []stamp{plain(or(u.Phone, o.Text(messages.AccountPhoneNone)))}}
	phone.Ways = []way{{Href: accountPath + "/phone", Text: o.Text(messages.AccountPhoneAdd)}}
	if u.Phone != "" {
		phone.Ways = []way{
			{Href: accountPath + "/phone", Text: o.Text(messages.AccountPhoneChange)},
			{Href: accountPath + "/phone/remove", Text: o.Text(messages.AccountRemove), For: o.Text(messages.AccountPhoneRemove), Grave: true},
		}
	}
	return section{ID: "details", Title: o.Text(messages.AccountDetails), Rows: []row{name, mail, phone}}
}

// or is a text that a person chose, cleaned, or another where there is none.
func or(text, otherwise string) string {
	if text = messages.Clean(text); text != "" {
		return text
	}
	return otherwise
}

// signedIn lists the browsers that are signed in.
func (o owner) signedIn() section {
	s := section{ID: "sessions", Title: o.Text(messages.AccountSessions), Lead: o.Text(messages.AccountSessionsLead)}
	for _, session := range o.Sessions {
		s.Rows = append(s.Rows, o.browserRow(session))
	}
	s.Ways = []way{{Href: accountPath + "/sessions/all", Text: o.Text(messages.AccountEndAll), Grave: true}}
	if len(o.Sessions) > 1 {
		s.Ways = append([]way{{Href: accountPath + "/sessions/others", Text: o.Text(messages.AccountEndOthers)}}, s.Ways...)
	} else {
		s.Lead = o.Text(messages.AccountSessionsOnly)
	}
	return s
}

func (v visit) browserName(s identity.Session) string {
	return or(deviceName(s.UserAgent), v.Text(messages.AccountSessionAny))
}

func (o owner) browserRow(s identity.Session) row {
	out := row{Title: o.browserName(s), Facts: []stamp{plain(or(s.IP, o.Text(messages.AccountSessionWhere))), o.stamp(messages.AccountSessionSince, s.CreatedAt)}}
	if s.Bound != nil {
		out.Facts = append(out.Facts, plain(o.Text(messages.AccountSessionBound)))
	}
	if s.ID == o.Session.ID {
		out.Tag = o.Text(messages.AccountSessionThis)
		out.Facts = append(out.Facts, plain(o.Text(messages.AccountSessionNow)))
	} else {
		out.Facts = append(out.Facts, o.stamp(messages.AccountSessionActive, s.Activity.Last))
		out.Ways = []way{{Href: accountPath + "/sessions/" + s.ID, Text: o.Text(messages.AccountEnd), For: o.Text(messages.AccountEndFor, "device", out.Title)}}
	}
	if worth, err := o.standing(o.tenant, s, s.Proofs); err == nil {
		out.Note = o.Level(int(worth.Level))
	}
	return out
}

// connected lists applications, each once however often one signed in there.
func (o owner) connected() section {
	s := section{ID: "applications", Title: o.Text(messages.AccountApplications), Empty: o.Text(messages.AccountApplicationsNone)}
	at := map[string]int{}
	for _, g := range o.Grants {
		i, seen := at[g.Application]
		if !seen {
			i = len(s.Rows)
			at[g.Application] = i
			s.Rows = append(s.Rows, o.application(g))
		}
		for _, scope := range g.Scopes {
			if text, ok := o.Scope(scope); ok && !slices.Contains(s.Rows[i].List, text) {
				s.Rows[i].List = append(s.Rows[i].List, text)
			}
		}
	}
	for i := range s.Rows {
		if len(s.Rows[i].List) == 0 {
			s.Rows[i].Note = o.Text(messages.AccountApplicationBasic)
		}
	}
	if len(s.Rows) > 0 {
		s.Lead = o.Text(messages.AccountApplicationsLead)
	}
	return s
}

func (o owner) application(g identity.Grant) row {
	name := or(o.apps[g.Application], o.Text(messages.AccountApplicationAny))
	return row{
		Title: name, Facts: []stamp{o.stamp(messages.AccountApplicationSince, g.CreatedAt)},
		Ways: []way{{
			Href: accountPath + "/applications/" + g.Application, Text: o.Text(messages.AccountApplicationEnd),
			For: o.Text(messages.AccountApplicationEndFor, "application", name),
		}},
	}
}

// lately tells what happened, newest first.
func (o owner) lately() section {
	s := section{ID: "activity", Title: o.Text(messages.AccountActivity), Empty: o.Text(messages.AccountActivityNone)}
	for _, e := range told(o.Events) {
		if len(s.Rows) == manyLines {
			break
		}
		line := row{Title: o.eventText(e, o.apps), Facts: []stamp{o.moment(e.At)}}
		for _, where := range []string{deviceName(e.UserAgent), messages.Clean(e.IP)} {
			if where != "" {
				line.Facts = append(line.Facts, plain(where))
			}
		}
		if e.Session != "" && e.Session == o.Session.ID || e.Device != "" && e.Device == o.Session.Device {
			line.Tag = o.Text(messages.AccountActivityThis)
		}
		line.Note = strings.Join(o.because(e), " ")
		s.Rows = append(s.Rows, line)
	}
	if len(s.Rows) > 0 {
		s.Lead = o.Text(messages.AccountActivityLead)
	}
	return s
}

// eventText words an event for the person whom it is about.
func (v visit) eventText(e identity.Event, apps map[string]string) string {
	factor := ""
	if e.Factor != "" {
		factor = v.Factor(e.Factor)
	}
	return v.Event(e.Type, e.Outcome, "factor", factor, "application", apps[e.Application], "name", e.Data["name"])
}

// because words the reasons of an event.
func (v visit) because(e identity.Event) []string {
	out := []string{}
	for _, reason := range e.Reasons {
		if text, ok := v.EventReason(reason); ok {
			out = append(out, text)
		}
	}
	return out
}

// told leaves out the steps of a sign-in that is told as a whole.
func told(events []identity.Event) []identity.Event {
	whole := map[string]bool{}
	for _, e := range events {
		if e.Type == identity.EventSignIn && e.Flow != "" {
			whole[e.Flow] = true
		}
	}
	parts := []string{identity.EventFactorProved, identity.EventFactorChallenged, identity.EventSessionOpened, identity.EventSessionRaised, identity.EventTicketUsed, identity.EventRiskAssessed}
	return slices.DeleteFunc(slices.Clone(events), func(e identity.Event) bool {
		usual := e.Type == identity.EventRiskAssessed && e.Data["band"] != "medium" && e.Data["band"] != "high"
		return usual || e.Type == identity.EventFactorChallenged || whole[e.Flow] && slices.Contains(parts, e.Type)
	})
}
