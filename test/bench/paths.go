package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// The verifier and challenge of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func authorizePath() string {
	return "/oauth2/authorize?" + url.Values{
		"client_id": {clientID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

const jsonHeaders = "Content-Type: application/json\r\nAccept: application/json\r\n"

func tokenHeaders() string {
	basic := base64.StdEncoding.EncodeToString([]byte(clientID + ":" + clientSecret))
	return "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic " + basic + "\r\n"
}

// signIn is a whole sign-in of a new browser: authorize, two posts and, if
// wanted, the code's exchange. Users take turns, so that no limit of one user's
// parallel guesses is met.
func signIn(w *wire, address string, exchange bool) (tokens, error) {
	w.forget()
	begun, err := w.ask("GET", authorizePath(), "Accept: text/html\r\n", nil)
	if err != nil {
		return tokens{}, err
	}
	if begun.status != http.StatusSeeOther {
		return tokens{}, unexpected("authorize", begun)
	}
	view, err := post(w, begun.location, "identifier", address)
	if err != nil {
		return tokens{}, err
	}
	if len(view.Prompts) == 0 {
		return tokens{}, errors.New("no prompt after the identifier")
	}
	if view, err = post(w, begun.location, view.Prompts[0].ID, secret); err != nil {
		return tokens{}, err
	}
	if view.Redirect == "" {
		return tokens{}, fmt.Errorf("the sign-in does not end: %+v", view)
	}
	if !exchange {
		return tokens{}, nil
	}
	back, err := url.Parse(view.Redirect)
	if err != nil {
		return tokens{}, err
	}
	return token(w, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
	})
}

type view struct {
	Prompts []struct {
		ID        string          `json:"id"`
		Factor    string          `json:"factor"`
		PublicKey json.RawMessage `json:"publicKey"`
	} `json:"prompts"`
	Redirect  string `json:"redirect"`
	Skippable bool   `json:"skippable"`
	Error     *struct {
		Code string `json:"code"`
	} `json:"error"`
}

func post(w *wire, path, prompt, value string) (v view, err error) {
	return send(w, path, fmt.Appendf(nil, `{"prompt":%q,"response":{"value":%q}}`, prompt, value))
}

func send(w *wire, path string, body []byte) (v view, err error) {
	answer, err := w.ask("POST", path, jsonHeaders, body)
	if err != nil {
		return v, err
	}
	if answer.status != http.StatusOK {
		return v, unexpected("flow", answer)
	}
	if err := json.Unmarshal(answer.body, &v); err != nil {
		return v, err
	}
	if v.Error != nil {
		return v, fmt.Errorf("flow: %s", v.Error.Code)
	}
	return v, nil
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func token(w *wire, form url.Values) (t tokens, err error) {
	answer, err := w.ask("POST", "/oauth2/token", tokenHeaders(), []byte(form.Encode()))
	if err != nil {
		return t, err
	}
	if answer.status != http.StatusOK {
		return t, unexpected("token", answer)
	}
	return t, json.Unmarshal(answer.body, &t)
}

func unexpected(what string, r reply) error {
	if r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests {
		return errBusy{max(r.retry, 50*time.Millisecond)}
	}
	return fmt.Errorf("%s: %d %.300s", what, r.status, bytes.TrimSpace(r.body))
}

// signIns is a client that signs in one user after the other.
func signIns(turn *atomic.Int64, users int, exchange bool) func(*wire, int) (func() error, error) {
	return func(w *wire, _ int) (func() error, error) {
		return func() error {
			_, err := signIn(w, email(int(turn.Add(1))%users), exchange)
			return err
		}, nil
	}
}

// refreshes is a client that refreshes a family of its own.
func refreshes(users int) func(*wire, int) (func() error, error) {
	return func(w *wire, i int) (func() error, error) {
		t, err := signIn(w, email(i%users), true)
		if err != nil {
			return nil, err
		}
		w.forget()
		return refreshing(w, t), nil
	}
}

// again is a client that refreshes where nobody minds which token it sends.
func again(t tokens) func(*wire, int) (func() error, error) {
	return func(w *wire, _ int) (func() error, error) { return refreshing(w, t), nil }
}

func refreshing(w *wire, t tokens) func() error {
	return func() error {
		next, err := token(w, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
		if err == nil {
			t = next
		}
		return err
	}
}

func credentials(w *wire, _ int) (func() error, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	return func() error {
		_, err := token(w, form)
		return err
	}, nil
}

func fetch(path string) func(*wire, int) (func() error, error) {
	return func(w *wire, _ int) (func() error, error) {
		return func() error {
			answer, err := w.ask("GET", path, "", nil)
			if err == nil && answer.status != http.StatusOK {
				err = unexpected(path, answer)
			}
			return err
		}, nil
	}
}
