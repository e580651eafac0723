package password

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of argon2id (RFC 9106). The zero value stands for the
// default of 19 MiB, two passes, one lane.
type Params struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultParams are what OWASP's password storage guide names first.
func DefaultParams() Params { return Params{Memory: 19 * 1024, Passes: 2, Threads: 1} }

// Bytes is the memory that one hash takes.
func (p Params) Bytes() int64 { return int64(p.Memory) * 1024 }

// cost is the number of blocks of 1 KiB that are filled: what time goes into.
func (p Params) cost() uint64 { return uint64(p.Memory) * uint64(p.Passes) }

// Bounds of what is read back: a stored hash must not be able to take the
// machine's memory, nor a minute.
const (
	maxMemory  = 256 * 1024 // KiB
	maxPasses  = 16
	maxThreads = 16
	maxCost    = 1024 * 1024 // blocks
	minSalt    = 8
	maxSalt    = 64
	minHash    = 16
	maxHash    = 64
	saltBytes  = 16
	hashBytes  = 32
	maxKeyID   = 16 // bytes
	maxPHC     = 512
)

func (p Params) valid() error {
	switch {
	case p.Threads < 1 || p.Threads > maxThreads, p.Passes < 1 || p.Passes > maxPasses,
		p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory, p.cost() > maxCost:
		return fmt.Errorf("password: argon2id with m=%d t=%d p=%d is out of bounds", p.Memory, p.Passes, p.Threads)
	}
	return nil
}

// stored is one password hash: the PHC string format of argon2id,
//
//	$argon2id$v=19$m=19456,t=2,p=1[,keyid=…]$salt$hash
//
// with base64 without padding. keyid names the pepper.
type stored struct {
	params Params
	keyID  []byte
	salt   []byte
	hash   []byte
}

var b64 = base64.RawStdEncoding.Strict()

const phcStart = "$argon2id$v=19$"

func (s stored) String() string {
	key := ""
	if len(s.keyID) > 0 {
		key = ",keyid=" + b64.EncodeToString(s.keyID)
	}
	return fmt.Sprintf("%sm=%d,t=%d,p=%d%s$%s$%s", phcStart, s.params.Memory, s.params.Passes, s.params.Threads, key,
		b64.EncodeToString(s.salt), b64.EncodeToString(s.hash))
}

// parsePHC reads exactly what String writes, within the bounds above.
func parsePHC(text string) (stored, error) {
	bad := func(what string) (stored, error) { return stored{}, errors.New("password: stored hash: " + what) }
	rest, ok := strings.CutPrefix(text, phcStart)
	if !ok || len(text) > maxPHC {
		return bad("not argon2id, version 19")
	}
	params, rest, ok1 := strings.Cut(rest, "$")
	salt, hash, ok2 := strings.Cut(rest, "$")
	if !ok1 || !ok2 {
		return bad("a part is missing")
	}
	fields := strings.Split(params, ",")
	if len(fields) < 3 || len(fields) > 4 {
		return bad("parameters")
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(v, 10) != digits || i == 2 && v > maxThreads {
			return bad("parameters")
		}
		n[i] = v
	}
	s := stored{params: Params{Memory: uint32(n[0]), Passes: uint32(n[1]), Threads: uint8(n[2])}}
	if err := s.params.valid(); err != nil {
		return stored{}, err
	}
	var err error
	if len(fields) == 4 {
		id, ok := strings.CutPrefix(fields[3], "keyid=")
		if s.keyID, err = b64.DecodeString(id); !ok || err != nil || len(s.keyID) == 0 || len(s.keyID) > maxKeyID {
			return bad("keyid")
		}
	}
	if s.salt, err = b64.DecodeString(salt); err != nil || len(s.salt) < minSalt || len(s.salt) > maxSalt {
		return bad("salt")
	}
	if s.hash, err = b64.DecodeString(hash); err != nil || len(s.hash) < minHash || len(s.hash) > maxHash {
		return bad("hash")
	}
	// base64 passes over line breaks; one hash has one form.
	if s.String() != text {
		return bad("not in its one form")
	}
	return s, nil
}

// derive is the hash of a prepared password under the parameters and salt of s.
func (s stored) derive(prepared []byte) []byte {
	return argon2.IDKey(prepared, s.salt, s.params.Passes, s.params.Memory, s.params.Threads, uint32(len(s.hash)))
}

func (s stored) equal(derived []byte) bool { return subtle.ConstantTimeCompare(s.hash, derived) == 1 }
