package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// askPage asks before something is changed, and says what will happen.
type askPage struct {
	shell
	Tone    string
	Heading string
	Lead    []string
	Alert   string
	Points  *points
	Form    askForm
	Note    string
	Stay    link
}

type points struct {
	Title string
	List  []string
}

type askForm struct {
	Action string
	Hidden []pair
	Fields []field
	Submit string
	Grave  bool
}

// change is one that a person can make to what is theirs: a page that asks, and
// the duty of the flow that makes it.
type change struct {
	path  string // under /account; {id} is what it is about
	about func(v visit, a flow.Account, id string) (askPage, bool)
	duty  func(id, value string) flow.Duty
	value bool   // something is to be typed
	back  string // where the flow ends; "" is the account page
}

// changes is the table of them.
func changes() []change {
	return []change{
		{path: "/rename/{id}", about: aboutRename, value: true, duty: func(id, value string) flow.Duty {
			return flow.Duty{Kind: flow.DutyRename, Enrolment: id, Value: value}
		}},
		{path: "/remove/{id}", about: aboutRemove, duty: func(id, _ string) flow.Duty {
			return flow.Duty{Kind: flow.DutyRemove, Enrolment: id}
		}},
		{path: "/password", about: aboutSecret, duty: only(flow.DutyPassword)},
		{path: "/email", about: aboutMail, value: true, duty: func(_, value string) flow.Duty {
			return flow.Duty{Kind: flow.DutyEmail, Value: value}
		}},
		{path: "/phone", about: aboutPhone, value: true, duty: func(_, value string) flow.Duty {
			return flow.Duty{Kind: flow.DutyPhone, Value: value}
		}},
		{path: "/phone/remove", about: aboutNoPhone, duty: only(flow.DutyPhone)},
		{path: "/codes", about: aboutCodes, duty: func(id, _ string) flow.Duty {
			return flow.Duty{Kind: flow.DutyEnrol, Factor: id}
		}},
		{path: "/sessions/others", about: aboutOthers, duty: only(flow.DutyEndOthers)},
		{path: "/sessions/all", about: aboutAll, duty: only(flow.DutyEndAll), back: "/signout"},
		{path: "/sessions/{id}", about: aboutSession, duty: func(id, _ string) flow.Duty {
			return flow.Duty{Kind: flow.DutyEndSession, Session: id}
		}},
	}
}

func only(kind flow.DutyKind) func(string, string) flow.Duty {
	return func(string, string) flow.Duty { return flow.Duty{Kind: kind} }
}

// ask answers GET: nothing changes by it.
func (s *server) ask(c change) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page, v, err := s.about(w, r, c)
		if err != nil || page == nil {
			return err
		}
		return s.Pages.render(v, http.StatusOK, "ask", *page)
	}
}

// about makes the page of a change; nil where a sign-in was begun instead.
func (s *server) about(w http.ResponseWriter, r *http.Request, c change) (*askPage, visit, error) {
	v := s.Pages.visit(w, r, nil)
	a, err := s.Accounts.Account(r.Context(), v.tenant, s.browser(r))
	if errors.Is(err, identity.ErrNotFound) {
		return nil, v, s.begin(w, r, r.URL.Path)
	}
	if err != nil {
		return nil, v, err
	}
	page, ok := c.about(v, a, r.PathValue("id"))
	if !ok {
		return nil, v, identity.ErrNotFound
	}
	page.shell = s.Pages.shell(v, page.Heading, false)
	page.Form.Action = r.URL.Path
	if page.Stay.Text == "" {
		page.Stay.Text = v.Text(messages.AccountKeep)
	}
	page.Stay.Href = accountPath
	return &page, v, nil
}

// make answers POST: the flow begins that will prove who it is and change it.
func (s *server) make(c change) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		form, err := s.ownForm(r)
		if err != nil {
			return err
		}
		value := strings.TrimSpace(form.Get(fieldValue))
		if c.value && value == "" {
			return s.askAgain(w, r, c, answered{code: "response_required"})
		}
		id := r.PathValue("id")
		if id == "" {
			id = form.Get("factor")
		}
		err = s.beginDuty(w, r, c.duty(id, value), c.back)
		if why, ok := refusal(err); ok {
			why.value = value
			return s.askAgain(w, r, c, why)
		}
		return err
	}
}

// answered is what was typed, and why it will not do.
type answered struct {
	value, code string
	wait        time.Duration
}

// refusal reads why the engine will not begin a change, where a person can do
// something about it.
func refusal(err error) (answered, bool) {
	var told *identity.Fault
	if !errors.As(err, &told) || told.Code == "" || told.Code == codeOverloaded {
		return answered{}, false
	}
	return answered{code: told.Code, wait: told.Retry}, true
}

// askAgain shows the page anew, with what was wrong.
func (s *server) askAgain(w http.ResponseWriter, r *http.Request, c change, why answered) error {
	page, v, err := s.about(w, r, c)
	if err != nil || page == nil {
		return err
	}
	page.shell = s.Pages.shell(v, page.Heading, true)
	text := v.Error(why.code, nil, why.wait)
	if len(page.Form.Fields) == 0 {
		page.Alert = text
	} else {
		page.Form.Fields[0].Error, page.Form.Fields[0].Value = text, messages.Clean(why.value)
	}
	return s.Pages.render(v, http.StatusUnprocessableEntity, "ask", *page)
}

// ownForm reads a form of our own pages.
func (s *server) ownForm(r *http.Request) (url.Values, error) {
	form, err := edge.Form(r)
	if err != nil {
		return nil, err
	}
	if _, repeated := edge.Repeated(form); repeated {
		return nil, identity.Invalid(codeInvalidRequest, "A field of the form came twice.")
	}
	return form, nil
}

func enrolmentOf(a flow.Account, id string) (identity.Enrolment, bool) {
	i := slices.IndexFunc(a.Enrolments, func(e identity.Enrolment) bool { return e.ID == id })
	if i < 0 {
		return identity.Enrolment{}, false
	}
	return a.Enrolments[i], true
}

// typed is the one field of a page that asks for something.
func typed(label, value, autocomplete, inputMode string, maxLength int) []field {
	return []field{{
		ID: "answer", Name: fieldValue, Label: label, Value: messages.Clean(value), Type: "text",
		Autocomplete: autocomplete, InputMode: inputMode, MaxLength: maxLength, Focus: true,
	}}
}

func aboutRename(v visit, a flow.Account, id string) (askPage, bool) {
	e, ok := enrolmentOf(a, id)
	return askPage{
		Heading: v.Text(messages.AccountRenameTitle, "name", v.nameOf(e)), Lead: []string{v.Text(messages.AccountNameHint)},
		Form: askForm{Fields: typed(v.Text(messages.AccountRenameLabel), e.Name, "off", "", 100), Submit: v.Text(messages.AccountRenameSubmit)},
	}, ok
}

func aboutRemove(v visit, a flow.Account, id string) (askPage, bool) {
	e, ok := enrolmentOf(a, id)
	return askPage{
		Heading: v.Text(messages.AccountRemoveTitle, "name", v.nameOf(e)), Lead: []string{v.Text(messages.AccountRemoveLead)},
		Form: askForm{Submit: v.Text(messages.AccountRemoveSubmit), Grave: true},
	}, ok
}

func aboutSecret(v visit, a flow.Account, _ string) (askPage, bool) {
	page := askPage{
		Heading: v.Text(messages.AccountPasswordTitle), Lead: []string{v.Text(messages.AccountPasswordLead)},
		Form: askForm{Submit: v.Text(messages.AccountPasswordSubmit)},
	}
	if a.Password == nil {
		page.Heading = v.Text(messages.AccountPasswordCreate)
	}
	return page, true
}

func aboutMail(v visit, _ flow.Account, _ string) (askPage, bool) {
	return askPage{
		Heading: v.Text(messages.AccountEmailTitle), Lead: []string{v.Text(messages.AccountEmailLead)},
		Form: askForm{Fields: typed(v.Text(messages.AccountEmailLabel), "", `email`, `email`, 254), Submit: v.Text(messages.AccountEmailSubmit)},
	}, true
}

func aboutPhone(v visit, _ flow.Account, _ string) (askPage, bool) {
	page := askPage{
		Heading: v.Text(messages.AccountPhoneTitle), Lead: []string{v.Text(messages.AccountPhoneLead)},
		Form: askForm{Fields: typed(v.Text(messages.AccountPhoneLabel), "", "tel", "tel", 32), Submit: v.Text(messages.AccountPhoneSubmit)},
	}
	page.Form.Fields[0].Hint = v.Text(messages.AccountPhoneHint)
	return page, true
}

func aboutNoPhone(v visit, a flow.Account, _ string) (askPage, bool) {
	return askPage{
		Heading: v.Text(messages.AccountPhoneRemoveTitle), Lead: []string{v.Text(messages.AccountPhoneRemoveLead)},
		Form: askForm{Submit: v.Text(messages.AccountPhoneRemoveSubmit), Grave: true},
	}, a.User.Phone != ""
}

func aboutCodes(v visit, a flow.Account, _ string) (askPage, bool) {
	return askPage{
		Heading: v.Text(messages.AccountCodesTitle), Lead: []string{v.Text(messages.AccountCodesWarn)},
		Form: askForm{Hidden: []pair{{"factor", a.CodesOf}}, Submit: v.Text(messages.AccountCodesSubmit)},
	}, a.CodesOf != ""
}

func aboutOthers(v visit, _ flow.Account, _ string) (askPage, bool) {
	return askPage{
		Heading: v.Text(messages.AccountEndOthersTitle), Lead: []string{v.Text(messages.AccountEndOthersLead)},
		Form: askForm{Submit: v.Text(messages.AccountEndOthersSubmit)},
	}, true
}

func aboutAll(v visit, _ flow.Account, _ string) (askPage, bool) {
	return askPage{
		Heading: v.Text(messages.AccountEndAllTitle), Lead: []string{v.Text(messages.AccountEndAllLead)},
		Form: askForm{Submit: v.Text(messages.AccountEndAllSubmit), Grave: true},
	}, true
}

func aboutSession(v visit, a flow.Account, id string) (askPage, bool) {
	i := slices.IndexFunc(a.Sessions, func(s identity.Session) bool { return s.ID == id })
	if i < 0 {
		return askPage{}, false
	}
	return askPage{
		Heading: v.Text(messages.AccountEndTitle, "device", v.browserName(a.Sessions[i])), Lead: []string{v.Text(messages.AccountEndLead)},
		Form: askForm{Submit: v.Text(messages.AccountEndSubmit), Grave: true},
	}, true
}
