// Package rp drives the binary with relying parties of the Go world that we did
// not write: coreos/go-oidc and golang.org/x/oauth2.
package rp

import (
	"context"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/intelliauth/intelliauth/test/world"
)

// application is demo-web on go-oidc.
type application struct {
	t        *testing.T
	world    *world.World
	ctx      context.Context
	provider *oidc.Provider
	config   oauth2.Config
	verifier *oidc.IDTokenVerifier
}

func newApplication(t *testing.T) *application {
	w := world.Start(t)
	ctx := oidc.ClientContext(context.Background(), world.Client())
	provider, err := oidc.NewProvider(ctx, w.Issuer)
	if err != nil {
		t.Fatalf("discovery: %v", err)
	}
	return &application{
		t: t, world: w, ctx: ctx, provider: provider,
		config: oauth2.Config{
			ClientID: "demo-web", ClientSecret: "demo-web-secret", Endpoint: provider.Endpoint(),
			RedirectURL: "http://localhost:9999/callback",
			Scopes:      []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: "demo-web", Now: w.Now}),
	}
}

// claims are those of an ID token that we look at.
type claims struct {
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	SID      string   `json:"sid"`
	Nonce    string   `json:"nonce"`
}

// signIn goes through a whole sign-in of a person.
func (a *application) signIn(p *world.Person, options ...oauth2.AuthCodeOption) (*oauth2.Token, *oidc.IDToken, claims) {
	a.t.Helper()
	verifier := oauth2.GenerateVerifier()
	options = append(options, oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-0S6_WzA2Mj"))
	answer := p.SignIn(a.config.AuthCodeURL("a-state", options...))
	if got := answer.Query().Get("error"); got != "" {
		a.t.Fatalf("%s: %s", got, answer.Query().Get("error_description"))
	}
	if answer.Query().Get("state") != "a-state" || answer.Query().Get("iss") != a.world.Issuer {
		a.t.Fatalf("state or iss is not ours: %s", answer)
	}
	token, err := a.config.Exchange(a.ctx, answer.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		a.t.Fatalf("exchange: %v", err)
	}
	id, got := a.check(token)
	if got.Nonce != "n-0S6_WzA2Mj" {
		a.t.Errorf("nonce %q", got.Nonce)
	}
	return token, id, got
}

// check verifies the ID token of an answer and its at_hash.
func (a *application) check(token *oauth2.Token) (*oidc.IDToken, claims) {
	a.t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := a.verifier.Verify(a.ctx, raw)
	if err != nil {
		a.t.Fatalf("ID token: %v", err)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			a.t.Errorf("at_hash: %v", err)
		}
	}
	var got claims
	if err := id.Claims(&got); err != nil {
		a.t.Fatal(err)
	}
	return id, got
}

func TestGoOIDCSignsInWithAPassword(t *testing.T) {
	a := newApplication(t)
	grace := a.world.Person(t, world.Grace, world.GracePassword)
	began := a.world.Now().Unix()
	token, id, got := a.signIn(grace)
	if got.ACR != "aal1" || !slices.Equal(got.AMR, []string{"pwd"}) {
		t.Errorf("acr %q amr %q, want aal1 [pwd]", got.ACR, got.AMR)
	}
	if got.AuthTime < began || got.AuthTime > a.world.Now().Unix() {
		t.Errorf("auth_time %d is not when the password was given (%d)", got.AuthTime, began)
	}
	info, err := a.provider.UserInfo(a.ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatalf("userinfo: %v", err)
	}
	if info.Subject != id.Subject || info.Email != world.Grace {
		t.Errorf("userinfo speaks of %q %q", info.Subject, info.Email)
	}

	// x/oauth2 refreshes by itself once it thinks that the token has expired.
	token.Expiry = time.Now().Add(-time.Minute)
	fresh, err := a.config.TokenSource(a.ctx, token).Token()
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	if fresh.RefreshToken == token.RefreshToken || fresh.AccessToken == token.AccessToken {
		t.Error("a refresh gave a token that was there before")
	}
	_, after := a.check(fresh)
	if after.ACR != got.ACR || after.AuthTime != got.AuthTime || after.SID != got.SID {
		t.Errorf("after the refresh %+v, before %+v", after, got)
	}
}

func TestGoOIDCStepsUp(t *testing.T) {
	a := newApplication(t)
	ada := a.world.Person(t, world.Ada, world.AdaPassword)
	_, _, weak := a.signIn(ada)
	if weak.ACR != "aal1" {
		t.Fatalf("acr %q before the step-up", weak.ACR)
	}
	_, _, strong := a.signIn(ada, oauth2.SetAuthURLParam("acr_values", "aal2"))
	if strong.ACR != "aal2" || !slices.Contains(strong.AMR, "otp") || !slices.Contains(strong.AMR, "mfa") {
		t.Errorf("after the step-up: %+v", strong)
	}
	if strong.SID != weak.SID {
		t.Error("a step-up raises the session, it makes no other")
	}

	a.world.Advance(time.Minute)
	_, _, again := a.signIn(ada, oauth2.SetAuthURLParam("max_age", "30"))
	if again.AuthTime < strong.AuthTime+30 {
		t.Errorf("max_age=30 gave auth_time %d a minute after %d", again.AuthTime, strong.AuthTime)
	}
}

func TestGoOIDCWithoutSessionPromptNoneIsAnError(t *testing.T) {
	a := newApplication(t)
	nobody := a.world.Person(t, "", "")
	options := []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("prompt", "none"), oauth2.S256ChallengeOption(oauth2.GenerateVerifier()),
	}
	answer := nobody.Open(a.config.AuthCodeURL("a-state", options...)).Location()
	if answer == nil {
		t.Fatal("prompt=none showed a page")
	}
	want := url.Values{"error": {"login_required"}, "state": {"a-state"}, "iss": {a.world.Issuer}}
	got := answer.Query()
	got.Del("error_description")
	if got.Encode() != want.Encode() {
		t.Errorf("answer %v, want %v", got, want)
	}
}

func TestGoOIDCTenantsAreApart(t *testing.T) {
	a := newApplication(t)
	ada := a.world.Person(t, world.Ada, world.AdaPassword)
	token, _, _ := a.signIn(ada)
	other, err := oidc.NewProvider(a.ctx, a.world.Acme)
	if err != nil {
		t.Fatalf("discovery of the other tenant: %v", err)
	}
	raw, _ := token.Extra("id_token").(string)
	if _, err := other.Verifier(&oidc.Config{ClientID: "demo-web", SkipIssuerCheck: true}).Verify(a.ctx, raw); err == nil {
		t.Error("one tenant's keys accept the other's token")
	}
	if _, err := other.UserInfo(a.ctx, oauth2.StaticTokenSource(token)); err == nil {
		t.Error("one tenant's userinfo accepts the other's token")
	}
	config := a.config
	config.Endpoint = other.Endpoint()
	if _, err := config.TokenSource(a.ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); err == nil {
		t.Error("one tenant refreshes the other's token")
	}
}
