package web

import (
	"net/http"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// maxCalled bounds a person's name, in characters of its field.
const maxCalled = 100

// aboutName is the page on which a person says what they are called.
func aboutName(v visit, a flow.Account, _ string) (askPage, bool) {
	page := askPage{
		Heading: v.Text(messages.AccountNameTitle), Lead: []string{v.Text(messages.AccountNameLead)},
		Form: askForm{Fields: typed(v.Text(messages.AccountNameLabel), a.User.Name, "name", "", maxCalled), Submit: v.Text(messages.AccountNameSubmit)},
	}
	return page, true
}

func (s *server) askName(w http.ResponseWriter, r *http.Request) error {
	return s.ask(change{about: aboutName})(w, r)
}

// setName answers POST /account/name. A name opens nothing: no flow is needed.
func (s *server) setName(w http.ResponseWriter, r *http.Request) error {
	form, err := s.ownForm(r)
	if err != nil {
		return err
	}
	c, in, err := s.admitted(r)
	if err != nil {
		return err
	}
	if !in {
		return s.begin(w, r, accountPath)
	}
	name := strings.TrimSpace(form.Get(fieldValue))
	if name == "" {
		return s.askAgain(w, r, change{about: aboutName}, answered{code: "response_required"})
	}
	if err := s.Changes.SetName(r.Context(), edge.TenantOf(r.Context()), s.actor(r, c), name); err != nil {
		if why, ok := refusal(err); ok {
			why.value = name
			return s.askAgain(w, r, change{about: aboutName}, why)
		}
		return err
	}
	seeOther(w, accountPath+"?"+queryDone+"=name")
	return nil
}

// changeMe answers PATCH /api/v1/me: the one member that may change is name.
func (s *server) changeMe(w http.ResponseWriter, r *http.Request, c caller) error {
	var body struct {
		Name *string `json:"name"`
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	if body.Name == nil {
		return missing("name")
	}
	tenant := edge.TenantOf(r.Context())
	if err := s.Changes.SetName(r.Context(), tenant, c.actor, *body.Name); err != nil {
		return stepUp(err, c)
	}
	user := c.actor.User
	err := s.Store.View(r.Context(), tenant.ID, func(tx identity.Tx) (err error) {
		user, err = tx.Users.ByID(r.Context(), user.ID)
		return err
	})
	if err != nil {
		return err
	}
	return s.tellMe(w, c, user)
}

// changeSecret answers POST /api/v1/me/password.
func (s *server) changeSecret(w http.ResponseWriter, r *http.Request, c caller) error {
	var body struct {
		Current string `json:"current"`
		New     string `json:"new"`
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	if body.New == "" {
		return missing("new")
	}
	if err := s.Changes.ChangePassword(r.Context(), edge.TenantOf(r.Context()), c.actor, body.Current, body.New); err != nil {
		return stepUp(err, c)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// beginMail answers POST /api/v1/me/email: a code goes to the new address.
func (s *server) beginMail(w http.ResponseWriter, r *http.Request, c caller) error {
	var body struct {
		Email string `json:"email"`
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	return s.beginAddress(w, r, c, identity.Address{Channel: identity.ChannelEmail, To: body.Email})
}

func (s *server) beginPhone(w http.ResponseWriter, r *http.Request, c caller) error {
	var body struct {
		Phone string `json:"phone"`
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	return s.beginAddress(w, r, c, identity.Address{Channel: identity.ChannelSMS, To: body.Phone})
}

func (s *server) beginAddress(w http.ResponseWriter, r *http.Request, c caller, to identity.Address) error {
	if to.To = strings.TrimSpace(to.To); to.To == "" {
		return identity.Invalid(codeInvalidRequest, "The new address is missing.")
	}
	id, sentTo, err := s.Changes.BeginAddress(r.Context(), edge.TenantOf(r.Context()), c.actor, to)
	if err != nil {
		return stepUp(err, c)
	}
	return writeJSON(w, http.StatusCreated, pendingBody{ID: id, SentTo: sentTo})
}

// confirmAddress answers POST …/confirm: the code that was sent makes the
// address the caller's.
func (s *server) confirmAddress(w http.ResponseWriter, r *http.Request, c caller) error {
	var body struct {
		ID   string `json:"id"`
		Code string `json:"code"`
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	if body.ID == "" || body.Code == "" {
		return missing("id or code")
	}
	if err := s.Changes.ConfirmAddress(r.Context(), edge.TenantOf(r.Context()), c.actor, body.ID, body.Code); err != nil {
		return stepUp(err, c)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
