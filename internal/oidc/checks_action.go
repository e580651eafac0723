package oidc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Bounds on what an application says of an action.
const (
	maxDetails = 2048 // bytes of authorization_details
	maxReason  = 80   // characters that are shown
)

// checkReason reads why the application asks: an id of its registered reasons,
// or words of its own where it pushed them and proved itself (C-34). Words from
// a link are shown to nobody: anybody can make a link.
func checkReason(a *authorizeContext) error {
	id, words := a.get("reason"), a.get("reason_text")
	switch {
	case id != "" && words != "":
		return invalidRequest("reason and reason_text exclude each other.")
	case words != "":
		if !a.pushed || !a.authenticated {
			return invalidRequest("reason_text is taken only from an application that authenticates and pushes its request.")
		}
		if utf8.RuneCountInString(words) > maxReason || strings.ContainsFunc(words, func(c rune) bool { return !unicode.IsPrint(c) }) {
			return invalidRequest("reason_text must be at most 80 printable characters.")
		}
		a.request.Authorization.Reason = words
	case id != "":
		text, ok := a.app.ReasonText(id)
		if !ok {
			return invalidRequest("reason names none that is registered for this application.")
		}
		a.request.Authorization.Reason = text
	}
	return nil
}

// checkDetails reads authorization_details (RFC 9396). The one type that there
// is binds a token to one action and to the digest of its content; such a token
// needs a second factor, proved now, and is good once.
func checkDetails(a *authorizeContext) error {
	text := a.get("authorization_details")
	if text == "" {
		return nil
	}
	bad := func(why string) error { return refuse("invalid_authorization_details", why) }
	if len(text) > maxDetails {
		return bad("authorization_details is too long.")
	}
	var all []identity.Action
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&all); err != nil {
		return bad(`authorization_details must be a list like [{"type":"action","action":"…","digest":"…"}], with no other members.`)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) || len(all) != 1 {
		return bad("authorization_details takes one action.")
	}
	action := all[0]
	if action.Type != identity.ActionType {
		return bad("The type of authorization details must be action.")
	}
	words, registered := a.app.ReasonText(action.Action)
	if !registered {
		return bad("The action is none of the reasons that are registered for this application.")
	}
	if sum, err := base64.RawURLEncoding.Strict().DecodeString(action.Digest); err != nil || len(sum) != 32 {
		return bad("digest must be a SHA-256 digest in base64url without padding.")
	}
	r := &a.request.Authorization
	if r.Reason == "" {
		r.Reason = words
	}
	r.Action = &action
	a.request.Alternatives = both(a.request.Alternatives, []assurance.Requirement{{Level: assurance.AAL2}})
	a.request.Essential, a.request.PromptLogin = true, true
	return nil
}
