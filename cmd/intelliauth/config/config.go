// Package config answers "what did the operator write?".
//
// It reads intelliauth.yaml strictly and finds everything wrong with it at
// once, each with its line and what would be right. `config check` and the
// start of the server read through the same door, so they refuse alike.
//
//	config.go    what the file may hold; the reference is generated from here
//	decode.go    YAML → structs: unknown keys, wrong types, lines of everything
//	secret.go    ${ENV} and file:
//	check.go     the server's part
//	tenant.go    a tenant's part: issuer, RP ID, branding, policy
//	app.go       an application's part: redirect URIs, secrets, keys
//	declare.go   structs → identity's nouns, each with its digest
package config

//go:generate go run ../configdoc

import (
	"github.com/intelliauth/intelliauth/internal/policy"
)

// File is the whole of intelliauth.yaml.
type File struct {
	Listen         string    `yaml:"listen"`          // address that people and applications reach, as host:port [127.0.0.1:8080]
	TLS            *TLS      `yaml:"tls"`             // certificate of the listener; leave it out behind a proxy that ends TLS
	AdminListen    string    `yaml:"admin_listen"`    // address of /healthz, /readyz and /metrics; never the public one [127.0.0.1:8081]
	Database       Secret    `yaml:"database"`        // `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME` [sqlite:intelliauth.db]
	RootKeys       []Secret  `yaml:"root_keys"`       // keys that wrap all others, newest first; each `file:PATH` or `${NAME}`, 32 bytes in base64. Required
	TrustedProxies []Network `yaml:"trusted_proxies"` // addresses or networks whose X-Forwarded-For is believed [none]

	PasswordBlocklist string      `yaml:"password_blocklist"` // file of passwords to refuse beside the built-in list, one a line
	Log               Log         `yaml:"log"`                // what is logged, and how
	GeoIP             Unavailable `yaml:"geoip"`              // places of addresses
	Tenants           []Tenant    `yaml:"tenants"`            // tenants that this file declares
}

// TLS names the listener's certificate. Both files are read again when they change.
type TLS struct {
	Cert string `yaml:"cert"` // PEM file with the certificate and its chain
	Key  string `yaml:"key"`  // PEM file with the private key
}

// Log says what is logged, and how.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error [info]
	Format string `yaml:"format"` // auto, text or json; auto is text on a terminal, else JSON [auto]
}

// Tenant is one isolated set of users, applications, keys and rules.
type Tenant struct {
	ID           string        `yaml:"id"`           // short name: small letters, digits, hyphens. Never change it. Required
	Issuer       string        `yaml:"issuer"`       // its address, as `https://login.example.com`: one host, no path. Required
	RPID         string        `yaml:"rp_id"`        // domain that passkeys are bound to: the issuer's host or a parent of it [the issuer's host]
	Name         string        `yaml:"name"`         // name that people read on its pages [the id]
	Algorithm    string        `yaml:"algorithm"`    // how tokens are signed: ES256, EdDSA or RS256 [ES256]
	Branding     Branding      `yaml:"branding"`     // how its pages look
	Policy       policy.Policy `yaml:"policy"`       // its rules
	Mail         Unavailable   `yaml:"mail"`         // how mail is sent
	SMS          Unavailable   `yaml:"sms"`          // how text messages are sent
	Applications []Application `yaml:"applications"` // what users sign in to, and the APIs that tokens are for
}

// Branding is how a tenant's pages look.
type Branding struct {
	Logo        string `yaml:"logo"`         // picture above the form: `file:logo.svg` or a data: URL; SVG or PNG, at most 64 KiB
	Accent      string `yaml:"accent"`       // colour of buttons and links on light pages, as `#2250a8`
	AccentDark  string `yaml:"accent_dark"`  // the same on dark pages
	SupportLink string `yaml:"support_link"` // https: or mailto: link for people who are stuck
}

// Application is what users sign in to, or an API that tokens are for.
type Application struct {
	ID               string          `yaml:"id"`                 // the client_id. Required
	Name             string          `yaml:"name"`               // name that people read [the id]
	Auth             string          `yaml:"auth"`               // none (public), client_secret_basic, client_secret_post or private_key_jwt [by what follows: secrets, jwks or neither]
	Secrets          []Secret        `yaml:"secrets"`            // client secrets, several while one replaces another; each `file:PATH`, `${NAME}` or the secret itself
	JWKS             string          `yaml:"jwks"`               // public keys for private_key_jwt: `file:PATH` or the JSON itself
	RedirectURIs     []string        `yaml:"redirect_uris"`      // where codes are sent, matched exactly; https, loopback http, or a private scheme with a dot
	PostLogoutURIs   []string        `yaml:"post_logout_uris"`   // where people may land after signing out, matched exactly
	InitiateLoginURI string          `yaml:"initiate_login_uri"` // page of the application that starts a sign-in; stale pages link to it
	Grants           []string        `yaml:"grants"`             // authorization_code, refresh_token, client_credentials [the first two where there are redirect_uris]
	Scopes           []string        `yaml:"scopes"`             // what it may ask for [openid profile email offline_access where there are redirect_uris]
	Audience         string          `yaml:"audience"`           // audience of its access tokens; for an API, its own name in tokens
	Resources        []string        `yaml:"resources"`          // further audiences that it may ask for by `resource` (RFC 8707)
	Origins          []string        `yaml:"origins"`            // browser origins that may call the Me API, as `https://app.example.com`
	FirstParty       bool            `yaml:"first_party"`        // yours: people are not asked for consent [false]
	SelfService      bool            `yaml:"self_service"`       // may ask for the scope me:factors, to let people manage their sign-in methods [false]
	RequirePAR       bool            `yaml:"require_par"`        // takes pushed authorization requests only (RFC 9126) [false]
	PKCEOptional     bool            `yaml:"pkce_optional"`      // lets a confidential application that sends a nonce leave PKCE out [false]
	MinLevel         policy.Level    `yaml:"min_level"`          // assurance level below which nobody gets in: aal1, aal2 or aal3 [aal1]
	RefreshFor       policy.Duration `yaml:"refresh_for"`        // how long refresh tokens last in all, from the sign-in on [720h]
}
