package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/password"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
)

// recipe is what factors are made of.
type recipe struct {
	now       func() time.Time
	random    io.Reader
	hash      password.Params // zero for the default
	blocklist string          // path of the operator's own list; "" for none
	hashed    func()          // told of every password hashed; may be nil
}

// factors is the list of everything that can prove who somebody is. A new
// factor is one line here, its folder, and its wording in messages.
func factors(r recipe) ([]factor.Factor, error) {
	secret, err := newPassword(r)
	if err != nil {
		return nil, err
	}
	otp, err := totp.New(totp.Options{Now: r.now, Random: r.random})
	if err != nil {
		return nil, err
	}
	return []factor.Factor{
		secret,
		otp,
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
