package store_test

import (
	"crypto/rand"

	"github.com/intelliauth/intelliauth/internal/identity"
)

type rng struct{}

func (rng) Read(b []byte) (int, error) { return rand.Read(b) }

var ada = identity.User{
	ID: "usr_ada", Handle: []byte{0, 1, 255}, Identifier: "ada@example.com", Email: "Ada@Example.com",
	EmailVerified: true, Name: "Ada Lovelace", Phone: "+441234567890", Locale: "en-GB", Groups: []string{"staff"},
	CreatedAt: noon,
}
