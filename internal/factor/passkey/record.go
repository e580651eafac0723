package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
)

// record is what is kept of a credential: what its level is computed from was
// seen when it was bound (SP 800-63B-4, 4.1).
type record struct {
	ID             []byte   `json:"id"`
	Key            []byte   `json:"key"` // COSE
	AAGUID         string   `json:"aaguid"`
	Counter        uint32   `json:"counter"`
	CanVerify      bool     `json:"uv"` // verified its user when it was bound, or since then beside another proof
	BackupEligible bool     `json:"be"`
	BackedUp       bool     `json:"bs"`
	Hardware       bool     `json:"hw,omitempty"` // attested to a root of the metadata: its keys cannot leave hardware
	Format         string   `json:"fmt"`
	Transports     []string `json:"transports,omitempty"`
	Uses           uint64   `json:"uses,omitempty"` // assertions accepted: no two leave the same record
}

var errRecord = errors.New("passkey: a damaged record")

func readRecord(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errRecord, err)
	}
	if len(r.ID) == 0 || len(r.Key) == 0 {
		return r, errRecord
	}
	return r, nil
}

func (r record) write() ([]byte, error) { return json.Marshal(r) }
