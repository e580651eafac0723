package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// enrolmentBody is a sign-in method as its owner sees it.
type enrolmentBody struct {
	ID         string     `json:"id"`
	Factor     string     `json:"factor"`
	Name       string     `json:"name"`
	EnrolledAt time.Time  `json:"enrolledAt"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	Restricted bool       `json:"restricted"`
	Suspended  bool       `json:"suspended,omitempty"`
}

func (s *server) enrolmentBody(e identity.Enrolment) enrolmentBody {
	return enrolmentBody{
		ID: e.ID, Factor: e.Factor, Name: e.Name, EnrolledAt: e.EnrolledAt, LastUsedAt: e.LastUsedAt,
		Restricted: s.Methods.Restricted(e.Factor), Suspended: e.Suspended,
	}
}

func (s *server) listEnrolments(w http.ResponseWriter, r *http.Request, c caller) error {
	all, err := s.Methods.Enrolments(r.Context(), edge.TenantOf(r.Context()), c.actor.User.ID)
	if err != nil {
		return err
	}
	list := struct {
		Data []enrolmentBody `json:"data"`
	}{Data: []enrolmentBody{}}
	for _, e := range all {
		list.Data = append(list.Data, s.enrolmentBody(e))
	}
	return writeJSON(w, http.StatusOK, list)
}

// pendingBody is what setting up a factor goes on with: what its prompt holds,
// whichever factor it is. It is sent once and kept by nobody (T-09).
type pendingBody struct {
	ID        string          `json:"id"`
	Secret    string          `json:"secret,omitempty"`
	URI       string          `json:"uri,omitempty"`
	QR        string          `json:"qr,omitempty"`
	SentTo    string          `json:"sentTo,omitempty"`
	Codes     []string        `json:"codes,omitempty"`
	PublicKey json.RawMessage `json:"publicKey,omitempty"`
}

func (s *server) beginEnrolment(w http.ResponseWriter, r *http.Request, c caller) error {
	// Which members there may be is the factor's to say, so they are read as a map.
	body := map[string]string{}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	name := body["factor"]
	if name == "" {
		return missing("factor")
	}
	asked := factor.Asked{Name: body["name"], Fields: body}
	delete(body, "factor")
	delete(body, "name")
	for member := range body {
		if !slices.Contains(s.Methods.Asks(name), member) {
			return identity.Invalid(codeInvalidRequest, "The body has an unknown member.")
		}
	}
	id, prompt, err := s.Methods.BeginEnrolment(r.Context(), edge.TenantOf(r.Context()), c.actor, name, asked)
	if err != nil {
		return stepUp(err, c)
	}
	return writeJSON(w, http.StatusCreated, pendingBody{
		ID: id, Secret: strings.Join(strings.Fields(prompt.Secret), ""), URI: prompt.URI, QR: pictureURL(prompt.QR),
		SentTo: prompt.SentTo, Codes: prompt.Codes, PublicKey: prompt.PublicKey,
	})
}

func (s *server) completeEnrolment(w http.ResponseWriter, r *http.Request, c caller) error {
	var raw json.RawMessage
	if err := edge.DecodeJSON(r, &raw); err != nil {
		return err
	}
	response, err := confirmation(raw)
	if err != nil {
		return err
	}
	e, err := s.Methods.CompleteEnrolment(r.Context(), edge.TenantOf(r.Context()), c.actor, r.PathValue("id"), response)
	if err != nil {
		return stepUp(err, c)
	}
	return writeJSON(w, http.StatusOK, s.enrolmentBody(e))
}

// confirmation reads {"code":"…"} or a WebAuthn credential.
func confirmation(raw json.RawMessage) (factor.Response, error) {
	if publicKeyCredential(raw) {
		return factor.Response{PublicKey: raw}, nil
	}
	var members map[string]json.RawMessage
	var code string
	if json.Unmarshal(raw, &members) != nil || len(members) != 1 || json.Unmarshal(members["code"], &code) != nil || code == "" {
		return factor.Response{}, identity.Invalid(codeInvalidRequest, "The one member code is wanted, or a WebAuthn credential.")
	}
	return factor.Response{Value: code}, nil
}

// renameEnrolment answers PATCH: the one member that may change is name.
func (s *server) renameEnrolment(w http.ResponseWriter, r *http.Request, c caller) error {
	var body struct {
		Name *string `json:"name"`
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return err
	}
	if body.Name == nil {
		return missing("name")
	}
	tenant, id := edge.TenantOf(r.Context()), r.PathValue("id")
	if err := s.Changes.Change(r.Context(), tenant, c.actor, flow.Duty{Kind: flow.DutyRename, Enrolment: id, Value: *body.Name}); err != nil {
		return stepUp(err, c)
	}
	all, err := s.Methods.Enrolments(r.Context(), tenant, c.actor.User.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(e identity.Enrolment) bool { return e.ID == id })
	if i < 0 {
		return identity.ErrNotFound
	}
	return writeJSON(w, http.StatusOK, s.enrolmentBody(all[i]))
}

func (s *server) removeEnrolment(w http.ResponseWriter, r *http.Request, c caller) error {
	return s.change(w, r, c, flow.Duty{Kind: flow.DutyRemove, Enrolment: r.PathValue("id")})
}

// change makes a change that there is nothing to say about.
func (s *server) change(w http.ResponseWriter, r *http.Request, c caller, d flow.Duty) error {
	if err := s.Changes.Change(r.Context(), edge.TenantOf(r.Context()), c.actor, d); err != nil {
		return stepUp(err, c)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func missing(member string) error {
	return identity.Invalid(codeInvalidRequest, "The member "+member+" is missing.")
}

// stepUp turns a level that is missing into the challenge that tells a client
// how to get it (RFC 9470, section 3). A cookie is no credential of HTTP
// authentication, so its bearer is told by the body alone.
func stepUp(err error, c caller) error {
	var need *flow.LevelRequired
	if !errors.As(err, &need) {
		return err
	}
	f := &refused{
		status: http.StatusForbidden, code: codeMFARequired, detail: "A stronger or newer sign-in is required.",
		extra: map[string]any{"requiredAal": int(need.Level)},
	}
	if need.Fresh {
		f.extra["purpose"] = "manage"
	}
	if c.bearer {
		f.status = http.StatusUnauthorized
		f.challenge = fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description="%s", acr_values="%s"`, f.detail, need.Level)
	}
	return f
}
