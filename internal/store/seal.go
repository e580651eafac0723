package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Keys, from the root down:
//
//	root key        32 bytes, the operator's; only wraps
//	 └ data key     random, per tenant: seals columns, AES-256-GCM
//	 └ index key    random, per tenant: blind indexes, HMAC-SHA-256
//	 └ pepper       random, per tenant: keyed hashes made outside this room
//
// No key is used as it is: HKDF-SHA-256 derives one for each use.

const (
	sealVersion = 1
	keySize     = 32
	sealHeader  = 1 + 4 // version, key id
)

var errSealed = errors.New("store: a sealed value does not open: damaged, moved, or under another key")

// place is where a sealed value lives, and whose it is. A value opens only in
// its own place, so a row that was copied over another one is refused.
type place struct{ tenant, table, column, row, owner string }

// bytes is the additional data: each part with its length, so that no two
// places look alike.
func (p place) bytes(header []byte) []byte {
	out := make([]byte, 0, 160)
	out = append(out, "intelliauth.sealed"...)
	out = append(out, header...)
	for _, part := range [...]string{p.tenant, p.table, p.column, p.row, p.owner} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// sealer seals under one key.
type sealer struct {
	id   uint32
	aead cipher.AEAD
}

func newSealer(id uint32, key []byte, use string) (sealer, error) {
	block, err := aes.NewCipher(derive(key, use))
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{id: id, aead: aead}, err
}

// seal returns version, key id, nonce and ciphertext. Nonces are random: a
// data key stays far below the 2^32 messages that GCM allows.
func (s sealer) seal(p place, value []byte) []byte {
	out := make([]byte, sealHeader, sealHeader+len(value)+s.aead.Overhead())
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], s.id)
	return s.aead.Seal(out, nil, value, p.bytes(out))
}

func (s sealer) open(p place, blob []byte) ([]byte, error) {
	if id, err := keyOf(blob); err != nil || id != s.id {
		return nil, errSealed
	}
	value, err := s.aead.Open(nil, nil, blob[sealHeader:], p.bytes(blob[:sealHeader]))
	if err != nil {
		return nil, errSealed
	}
	return value, nil
}

// keyOf tells under which key a value is sealed.
func keyOf(blob []byte) (uint32, error) {
	if len(blob) < sealHeader || blob[0] != sealVersion {
		return 0, errSealed
	}
	return binary.BigEndian.Uint32(blob[1:]), nil
}

func derive(key []byte, use string) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, "intelliauth "+use, keySize)
	if err != nil {
		panic("store: " + err.Error()) // only lengths can be wrong, and they are constant
	}
	return out
}

// mac is HMAC-SHA-256 over parts, each with its length.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return h.Sum(nil)
}

// rootKey wraps other keys and does nothing else.
type rootKey struct {
	id   string // a fingerprint that reveals nothing of the key
	wrap sealer
}

func rootKeys(keys [][]byte) ([]rootKey, error) {
	if len(keys) == 0 {
		return nil, errors.New("store: no root key")
	}
	out := make([]rootKey, len(keys))
	for i, k := range keys {
		if len(k) != keySize {
			return nil, fmt.Errorf("store: root key %d has %d bytes instead of %d", i+1, len(k), keySize)
		}
		s, err := newSealer(0, k, "root wrap")
		if err != nil {
			return nil, err
		}
		out[i] = rootKey{id: hex.EncodeToString(derive(k, "root id")[:8]), wrap: s}
	}
	return out, nil
}

// ring holds a tenant's keys.
type ring struct {
	current sealer
	all     map[uint32]sealer
	index   []byte
	pepper  []byte
}

func (r *ring) seal(p place, value []byte) []byte { return r.current.seal(p, value) }

func (r *ring) open(p place, blob []byte) ([]byte, error) {
	id, err := keyOf(blob)
	if err != nil {
		return nil, err
	}
	s, ok := r.all[id]
	if !ok {
		return nil, errSealed
	}
	return s.open(p, blob)
}

// lookup is the blind index of an enrolment: equal lookups of one factor give
// equal values, and nothing can be read from them without the index key.
func (r *ring) lookup(factor string, lookup []byte) []byte {
	if len(lookup) == 0 {
		return nil
	}
	return mac(r.index, []byte(factor), lookup)
}
