package passkey

import (
	"encoding/json"
	"slices"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// The attestation modes of a tenant (identity.Attestation).
const (
	modeAny  = "any"
	modeList = "list"
)

func attested(t identity.Tenant) bool {
	return t.Attestation.Mode == modeAny || t.Attestation.Mode == modeList
}

// The options in the JSON form that PublicKeyCredential.parse…OptionsFromJSON
// takes (5.1.9, 5.1.10).
type (
	creationOptions struct {
		RP          entity       `json:"rp"`
		User        entity       `json:"user"`
		Challenge   string       `json:"challenge"`
		Params      []parameter  `json:"pubKeyCredParams"`
		Timeout     int64        `json:"timeout"` // milliseconds
		Exclude     []descriptor `json:"excludeCredentials"`
		Selection   selection    `json:"authenticatorSelection"`
		Hints       []string     `json:"hints,omitempty"`
		Attestation string       `json:"attestation"`
	}
	requestOptions struct {
		Challenge        string       `json:"challenge"`
		RPID             string       `json:"rpId"`
		Allow            []descriptor `json:"allowCredentials"`
		Timeout          int64        `json:"timeout"`
		UserVerification string       `json:"userVerification"`
		Hints            []string     `json:"hints,omitempty"`
	}
	entity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName,omitempty"`
	}
	selection struct {
		Attachment       string `json:"authenticatorAttachment,omitempty"`
		ResidentKey      string `json:"residentKey"`
		Required         bool   `json:"requireResidentKey"` // residentKey for Level 1 browsers
		UserVerification string `json:"userVerification"`
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

// creation asks for a key that can be found without a name (W-24). Whoever has a
// password may bind one that cannot, such as a security key without a PIN: it is
// asked for by its id once the password was given, and is worth nothing at the
// first step, where no ids are given away.
func (f *Factor) creation(s factor.Subject, st state, exclude []descriptor) ([]byte, error) {
	name := userName(*s.User)
	o := creationOptions{
		RP:        entity{ID: rpID(s.Tenant), Name: tenantName(s.Tenant)},
		User:      entity{ID: encode(s.User.Handle), Name: name, DisplayName: displayName(*s.User)},
		Challenge: encode(st.challenge), Timeout: life.Milliseconds(), Exclude: exclude, Hints: f.hints, Attestation: "none",
		Selection: selection{Attachment: attachment(f.hints), ResidentKey: "required", Required: true, UserVerification: verification(st)},
	}
	if s.Second && st.flags&silent == 0 {
		o.Selection.ResidentKey, o.Selection.Required = "preferred", false
	}
	if attested(s.Tenant) {
		o.Attestation = "direct"
	}
	for _, alg := range algorithms() {
		o.Params = append(o.Params, parameter{publicKey, int(alg)})
	}
	return json.Marshal(o)
}

func (f *Factor) request(s factor.Subject, st state, allow []descriptor) ([]byte, error) {
	return json.Marshal(requestOptions{
		Challenge: encode(st.challenge), RPID: rpID(s.Tenant), Allow: allow, Timeout: life.Milliseconds(),
		UserVerification: verification(st), Hints: f.hints,
	})
}

const publicKey = "public-key"

func verification(st state) string {
	if st.flags&verifying != 0 {
		return "required"
	}
	return "preferred"
}

// hintWords are the values of 5.8.8.
func hintWords() []string { return []string{"security-key", "client-device", "hybrid"} }

// attachment says to browsers that know no hints what the hints say (5.8.8).
func attachment(hints []string) string {
	device := slices.Contains(hints, "client-device")
	roaming := slices.Contains(hints, "security-key") || slices.Contains(hints, "hybrid")
	switch {
	case device && !roaming:
		return "platform"
	case roaming && !device:
		return "cross-platform"
	}
	return ""
}

// descriptors names credentials, with the ways to reach them (5.8.3).
func descriptors(keys []held) []descriptor {
	out := []descriptor{}
	for _, k := range keys {
		out = append(out, descriptor{Type: publicKey, ID: encode(k.ID), Transports: k.Transports})
	}
	return out
}

// held is an enrolment with what it keeps.
type held struct {
	enrolment identity.Enrolment
	record
}

// usable are the credentials that may answer for a subject; damaged counts those
// that cannot be read.
func usable(s factor.Subject) (keys []held, damaged int) {
	keys, damaged = own(s)
	return slices.DeleteFunc(keys, func(k held) bool {
		return k.enrolment.Suspended || k.enrolment.RemovedAt != nil || s.Chosen != "" && s.Chosen != k.enrolment.ID
	}), damaged
}

// own are the subject's own credentials, suspended and removed ones too.
func own(s factor.Subject) (keys []held, damaged int) {
	if s.User == nil || s.User.ID == "" {
		return nil, 0
	}
	for _, en := range s.Enrolments {
		if en.Factor != name || en.User != s.User.ID {
			continue
		}
		r, err := readRecord(en.Data)
		if err != nil {
			damaged++
			continue
		}
		keys = append(keys, held{en, r})
	}
	return keys, damaged
}
