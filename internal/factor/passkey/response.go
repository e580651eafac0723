package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// Bounds of what a browser sends.
const (
	maxResponse     = 64 << 10 // bytes of JSON; a TPM's certificates take some ten thousand
	maxCredentialID = 1023     // bytes (7.1)
	maxHandle       = 64       // bytes (5.4.3)
	maxTransports   = 8
	maxTransport    = 32 // bytes
)

// errMalformed says that a response is not what a browser makes.
var errMalformed = errors.New("passkey: malformed response")

// created is a response to create(), parsed but not judged.
type created struct {
	id         []byte
	client     clientData
	hash       [sha256.Size]byte // of the client data as it was sent
	object     protocol.AttestationObject
	transports []string
}

// asserted is a response to get(), parsed but not judged.
type asserted struct {
	id, handle []byte
	client     clientData
	data       protocol.AuthenticatorData
	signed     []byte // authenticator data and hash of the client data
	signature  []byte
}

// answer is PublicKeyCredential.toJSON() (5.1.8). What extensions report is not
// read: none is needed, and a strange one must not break a ceremony (W-21).
type answer struct {
	ID       string `json:"id"`
	RawID    octets `json:"rawId"`
	Type     string `json:"type"`
	Response struct {
		ClientDataJSON    octets          `json:"clientDataJSON"`
		AttestationObject octets          `json:"attestationObject"`
		AuthenticatorData octets          `json:"authenticatorData"`
		Signature         octets          `json:"signature"`
		UserHandle        octets          `json:"userHandle"`
		Transports        json.RawMessage `json:"transports"`
	} `json:"response"`
}

// octets is base64url without padding, in its one form.
type octets []byte

// UnmarshalText refuses line breaks and loose bits, which other decoders allow.
func (o *octets) UnmarshalText(text []byte) error {
	if bytes.ContainsAny(text, "\r\n") {
		return errMalformed
	}
	out, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	*o = out
	return err
}

func parseAnswer(raw []byte) (answer, error) {
	var a answer
	if len(raw) == 0 || len(raw) > maxResponse {
		return a, errMalformed
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, errMalformed
	}
	if a.Type != string(protocol.PublicKeyCredentialType) || len(a.RawID) == 0 || len(a.RawID) > maxCredentialID ||
		a.ID != encode(a.RawID) || len(a.Response.ClientDataJSON) == 0 {
		return a, errMalformed
	}
	return a, nil
}

func parseCreated(raw []byte) (created, error) {
	a, err := parseAnswer(raw)
	if err != nil {
		return created{}, err
	}
	out := created{id: a.RawID, hash: sha256.Sum256(a.Response.ClientDataJSON), transports: transports(a.Response.Transports)}
	if out.client, err = parseClientData(a.Response.ClientDataJSON); err != nil {
		return created{}, err
	}
	if out.object, err = parseAttestationObject(a.Response.AttestationObject); err != nil {
		return created{}, err
	}
	if !out.object.AuthData.Flags.HasAttestedCredentialData() || !bytes.Equal(out.object.AuthData.AttData.CredentialID, out.id) {
		return created{}, errMalformed
	}
	return out, nil
}

func parseAsserted(raw []byte) (asserted, error) {
	a, err := parseAnswer(raw)
	if err != nil {
		return asserted{}, err
	}
	if len(a.Response.UserHandle) > maxHandle {
		return asserted{}, errMalformed
	}
	hash := sha256.Sum256(a.Response.ClientDataJSON)
	out := asserted{id: a.RawID, handle: a.Response.UserHandle, signature: a.Response.Signature}
	out.signed = append(bytes.Clone(a.Response.AuthenticatorData), hash[:]...)
	if out.client, err = parseClientData(a.Response.ClientDataJSON); err != nil {
		return asserted{}, err
	}
	out.data, err = parseAuthenticatorData(a.Response.AuthenticatorData)
	return out, err
}

// clientData is what the browser says of where and what for a key signed
// (5.8.1). Members that are not known are ignored.
type clientData struct {
	kind, challenge, origin string
	framed                  bool // a frame of another site was on the way
}

// parseClientData reads names exactly: encoding/json would take "Origin" for
// "origin".
func parseClientData(raw []byte) (clientData, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // UTF-8 decode drops it (7.1, step 5)
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return clientData{}, errMalformed
	}
	var c clientData
	for name, into := range map[string]*string{"type": &c.kind, "challenge": &c.challenge, "origin": &c.origin} {
		if json.Unmarshal(members[name], into) != nil || *into == "" {
			return clientData{}, errMalformed
		}
	}
	if cross, ok := members["crossOrigin"]; ok {
		if err := json.Unmarshal(cross, &c.framed); err != nil {
			return clientData{}, errMalformed
		}
	}
	if _, ok := members["topOrigin"]; ok {
		c.framed = true
	}
	return c, nil
}

// parseAttestationObject reads 6.5.4, its names exactly: the CBOR decoder, too,
// would take "Fmt" for "fmt". A compound statement, a list, is not read.
func parseAttestationObject(raw []byte) (protocol.AttestationObject, error) {
	var o protocol.AttestationObject
	var members map[string]webauthncbor.RawMessage
	if err := webauthncbor.Unmarshal(raw, &members); err != nil {
		return o, errMalformed
	}
	for name, into := range map[string]any{"fmt": &o.Format, "authData": &o.RawAuthData, "attStmt": &o.AttStatement} {
		if len(members[name]) == 0 || webauthncbor.Unmarshal(members[name], into) != nil {
			return o, errMalformed
		}
	}
	var err error
	o.AuthData, err = parseAuthenticatorData(o.RawAuthData)
	return o, err
}

const (
	flagsAt   = sha256.Size
	counterAt = flagsAt + 1
	dataLeast = counterAt + 4
	aaguidLen = 16
)

// parseAuthenticatorData reads section 6.1. The library's own reading fails for
// extensions of a kind that it does not know; here they have to be one map and
// are otherwise left alone.
func parseAuthenticatorData(raw []byte) (protocol.AuthenticatorData, error) {
	var d protocol.AuthenticatorData
	if len(raw) < dataLeast {
		return d, errMalformed
	}
	d.RPIDHash, d.Flags = raw[:flagsAt], protocol.AuthenticatorFlags(raw[flagsAt])
	d.Counter = binary.BigEndian.Uint32(raw[counterAt:])
	rest := raw[dataLeast:]
	if d.Flags.HasAttestedCredentialData() {
		if len(rest) < aaguidLen+2 {
			return d, errMalformed
		}
		length := int(binary.BigEndian.Uint16(rest[aaguidLen:]))
		d.AttData.AAGUID, rest = rest[:aaguidLen], rest[aaguidLen+2:]
		if length == 0 || length > maxCredentialID || length > len(rest) {
			return d, errMalformed
		}
		d.AttData.CredentialID, rest = rest[:length], rest[length:]
		var key map[any]any // refuses what is twice in it
		used, err := webauthncbor.UnmarshalFirst(rest, &key)
		if err != nil {
			return d, errMalformed
		}
		d.AttData.CredentialPublicKey, rest = rest[:used], rest[used:]
	}
	if d.Flags.HasExtensions() {
		var outputs webauthncbor.RawMessage
		if len(rest) == 0 || rest[0]>>5 != 5 || webauthncbor.Unmarshal(rest, &outputs) != nil {
			return d, errMalformed
		}
		rest = nil
	}
	if len(rest) != 0 {
		return d, errMalformed
	}
	return d, nil
}

// transports keeps what may be echoed to a browser: short words, a few.
func transports(raw json.RawMessage) []string {
	var all, out []string
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	for _, t := range all {
		word := t != "" && len(t) <= maxTransport && strings.Trim(t, "abcdefghijklmnopqrstuvwxyz-") == ""
		if word && len(out) < maxTransports {
			out = append(out, t)
		}
	}
	return out
}
