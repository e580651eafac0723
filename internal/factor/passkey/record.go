package passkey

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/intelliauth/intelliauth/internal/assurance"
)

// record is what is kept of a credential: what its level is computed from was
// seen when it was bound (SP 800-63B-4, 4.1).
type record struct {
	ID             []byte   `json:"id"`
	Key            []byte   `json:"key"` // COSE
	AAGUID         string   `json:"aaguid,omitempty"`
	Format         string   `json:"fmt"`
	Kind           string   `json:"kind,omitempty"` // attestation type that was verified (FIDO Metadata, "attestationTypes")
	Hardware       bool     `json:"hw,omitempty"`   // attested to a root of the metadata: its keys cannot leave hardware
	BackupEligible bool     `json:"be,omitempty"`
	BackedUp       bool     `json:"bs,omitempty"`
	CanVerify      bool     `json:"uv,omitempty"` // verified its user when it was bound, or since then beside another proof
	Verified       bool     `json:"last_uv,omitempty"`
	Counter        uint32   `json:"counter,omitempty"`
	Transports     []string `json:"transports,omitempty"`
	Last           []byte   `json:"last,omitempty"` // hash of the challenge last answered: it is not answered again
}

// errRecord says that what storage returned is not what was written.
var errRecord = errors.New("passkey: a damaged record")

func readRecord(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("%w: no JSON", errRecord)
	}
	if len(r.ID) == 0 || len(r.ID) > maxCredentialID || len(r.Key) == 0 {
		return record{}, errRecord
	}
	return r, nil
}

func (r record) write() ([]byte, error) { return json.Marshal(r) }

// proof is what an assertion of this key shows. The model is named where it was
// attested only: an AAGUID that nobody vouches for is a claim.
func (r record) proof(verified bool) assurance.Proof {
	p := strength(verified, r.BackupEligible, false, "")
	if r.Hardware {
		p.Hardware, p.Model = true, r.AAGUID
	}
	return p
}
