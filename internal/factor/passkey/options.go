package passkey

import (
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/intelliauth/intelliauth/internal/factor"
)

// The attestation modes of a tenant (identity.Attestation).
const (
	modeAny  = "any"
	modeList = "list"
)

// algorithms are those offered, best first: EdDSA, ES256, RS256. A key of any
// other is refused (5.4, 7.1).
func algorithms() []protocol.CredentialParameter {
	out := make([]protocol.CredentialParameter, 0, 3)
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgEdDSA, webauthncose.AlgES256, webauthncose.AlgRS256} {
		out = append(out, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	return out
}

// The options in the JSON form that PublicKeyCredential.parse…OptionsFromJSON
// takes (5.1.8, 5.1.9).
type (
	creationOptions struct {
		RP              entity         `json:"rp"`
		User            entity         `json:"user"`
		Challenge       string         `json:"challenge"`
		Params          []parameter    `json:"pubKeyCredParams"`
		Timeout         int64          `json:"timeout"`
		Exclude         []descriptor   `json:"excludeCredentials"`
		Selection       map[string]any `json:"authenticatorSelection"`
		Attestation     string         `json:"attestation"`
		Extensions      map[string]any `json:"extensions"`
		AttestationKind []string       `json:"attestationFormats,omitempty"`
	}
	requestOptions struct {
		Challenge        string       `json:"challenge"`
		RPID             string       `json:"rpId"`
		Allow            []descriptor `json:"allowCredentials"`
		Timeout          int64        `json:"timeout"`
		UserVerification string       `json:"userVerification"`
	}
	entity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName,omitempty"`
	}
	parameter struct {
		Type string `json:"type"`
		Alg  int    `json:"alg"`
	}
	descriptor struct {
		Type       string   `json:"type"`
		ID         string   `json:"id"`
		Transports []string `json:"transports,omitempty"`
	}
)

func creation(s factor.Subject, challenge []byte, conditional bool) ([]byte, error) {
	o := creationOptions{
		RP:        entity{ID: rpID(s.Tenant), Name: s.Tenant.Name},
		User:      entity{ID: encode(s.User.Handle), Name: s.User.Email, DisplayName: displayName(*s.User)},
		Challenge: encode(challenge), Timeout: life.Milliseconds(), Exclude: descriptors(s), Attestation: "none",
		Selection:  map[string]any{"residentKey": "required", "requireResidentKey": true, "userVerification": "preferred"},
		Extensions: map[string]any{"credProps": true},
	}
	if !conditional && s.NeedUV {
		o.Selection["userVerification"] = "required"
	}
	if mode := s.Tenant.Attestation.Mode; mode == modeAny || mode == modeList {
		o.Attestation = "direct"
	}
	for _, p := range algorithms() {
		o.Params = append(o.Params, parameter{string(p.Type), int(p.Algorithm)})
	}
	return json.Marshal(o)
}

func request(s factor.Subject, challenge []byte) ([]byte, error) {
	o := requestOptions{
		Challenge: encode(challenge), RPID: rpID(s.Tenant), Allow: descriptors(s), Timeout: life.Milliseconds(), UserVerification: "preferred",
	}
	if s.NeedUV {
		o.UserVerification = "required"
	}
	return json.Marshal(o)
}

// descriptors names a person's own credentials, with the ways to reach them.
func descriptors(s factor.Subject) []descriptor {
	out := []descriptor{}
	for _, en := range s.Enrolments {
		if r, err := readRecord(en.Data); err == nil {
			out = append(out, descriptor{Type: "public-key", ID: encode(r.ID), Transports: r.Transports})
		}
	}
	return out
}
