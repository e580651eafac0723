package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/geo"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/otp"
	"github.com/intelliauth/intelliauth/internal/factor/passkey"
	"github.com/intelliauth/intelliauth/internal/factor/password"
	"github.com/intelliauth/intelliauth/internal/factor/recovery"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
)

// recipe is what factors are made of.
type recipe struct {
	now       func() time.Time
	random    io.Reader
	hash      password.Params                     // zero for the default
	blocklist string                              // path of the operator's own list; "" for none
	hashed    func()                              // told of every password hashed; may be nil
	key       func(tenant string) ([]byte, error) // of a tenant's keyed hashes
	metadata  *passkey.Metadata                   // of passkey models; nil for none
	places    *geo.Map                            // of addresses; nil for none
}

// factors is the list of everything that can prove who somebody is. A new
// factor is one line here, its folder, and its wording in messages.
func factors(r recipe) ([]factor.Factor, error) {
	secret, err := newPassword(r)
	if err != nil {
		return nil, err
	}
	o := otp.Options{Now: r.now, Random: r.random, Key: r.key}
	key, err1 := passkey.New(passkey.Options{Now: r.now, Random: r.random, Metadata: r.metadata})
	app, err2 := totp.New(totp.Options{Now: r.now, Random: r.random})
	sms, err3 := otp.SMS(o)
	mail, err4 := otp.Email(o)
	codes, err5 := recovery.New(recovery.Options{Now: r.now, Random: r.random})
	ticket, err6 := otp.Ticket(o)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	return []factor.Factor{
		secret,
		key,
		app,
		sms,
		mail,
		codes,
		ticket,
	}, nil
}

func newPassword(r recipe) (f *password.Factor, err error) {
	o := password.Options{Now: r.now, Random: r.random, Params: r.hash}
	if r.hashed != nil {
		o.Hashed = func(password.Params) { r.hashed() }
	}
	if r.blocklist != "" {
		list, err := os.Open(r.blocklist)
		if err != nil {
			return nil, next(err, "check `password_blocklist` in the configuration")
		}
		defer func() { err = errors.Join(err, list.Close()) }()
		o.Blocklist = list
	}
	return password.New(o)
}
