package flow

import (
	"net/url"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// AnswerURL makes the authorization response: parameters, state and iss
// (RFC 9207), in the query of the redirect URI or, for response_mode=form_post,
// as fields to be posted to it.
func AnswerURL(t identity.Tenant, r identity.AuthorizationRequest, params map[string]string) (redirect string, form map[string]string) {
	all := map[string]string{"iss": t.Issuer}
	if r.State != "" {
		all["state"] = r.State
	}
	for k, v := range params {
		all[k] = v
	}
	if r.ResponseMode == "form_post" {
		return r.RedirectURI, all
	}
	u, err := url.Parse(r.RedirectURI)
	if err != nil {
		return "", nil // registered URIs parse; nothing is better than a wrong place
	}
	// Keep the registered query byte for byte and add ours behind it.
	query := url.Values{}
	for k, v := range all {
		query.Set(k, v)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	return u.String(), nil
}

// origin is the origin of a redirect URI, for the form-action of the page that
// leads there: Chromium applies it to the final redirect, too. Own paths have
// none.
func origin(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// deny makes the answer of a denied flow.
func (r *run) deny(d Denial) *Answer {
	if r.flow.Authorization.OwnPage {
		return &Answer{Redirect: "/"}
	}
	redirect, form := AnswerURL(r.tenant, r.flow.Authorization, map[string]string{
		"error": d.OAuth(), "error_description": d.describe(),
	})
	return &Answer{Redirect: redirect, Form: form}
}

// describe says for the application's developer what happened, and no more
// than the error code already tells.
func (d Denial) describe() string {
	switch d {
	case Cancelled:
		return "The person cancelled."
	case Barred:
		return "The request was denied."
	case WrongPerson:
		return "Somebody else than the requested user signed in."
	case Unmet:
		return "The requested assurance level cannot be reached."
	case NeedsLogin:
		return "The person has to sign in."
	case Interaction:
		return "The person has to be asked for more."
	case NeedsConsent:
		return "The person has to consent."
	}
	return ""
}
