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
//	passkey.go   which passkeys: related origins, attestation
//	send.go      mail and text messages
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

	PasswordBlocklist string    `yaml:"password_blocklist"` // file of passwords to refuse beside the built-in list, one a line
	Log               Log       `yaml:"log"`                // what is logged, and how
	PasskeyMetadata   *Metadata `yaml:"passkey_metadata"`   // what the FIDO Alliance says of makes of passkeys; `attestation` needs it
	GeoIP             GeoIP     `yaml:"geoip"`              // where addresses are: for the assessment of risk
	Tenants           []Tenant  `yaml:"tenants"`            // tenants that this file declares
}

// GeoIP names files that say where an address is. They are read again when they
// change. What they do not say is unknown, which is never low risk.
type GeoIP struct {
	Country string       `yaml:"country"` // MaxMind database (.mmdb) of countries
	City    string       `yaml:"city"`    // MaxMind database of cities: countries and, for impossible travel, coordinates
	ASN     string       `yaml:"asn"`     // MaxMind database of networks (autonomous systems)
	Lists   NetworkLists `yaml:"lists"`   // networks that weigh, one network or address a line; # begins a comment
	Egress  string       `yaml:"egress"`  // list of networks behind which your people may be anywhere, as a company's VPN
}

// NetworkLists names lists of networks that honest people seldom come from.
type NetworkLists struct {
	Tor      string `yaml:"tor"`      // exits of Tor
	Hosting  string `yaml:"hosting"`  // hosting companies
	Operator string `yaml:"operator"` // what you know yourself
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
	ID           string        `yaml:"id"`              // short name: small letters, digits, hyphens. Never change it. Required
	Issuer       string        `yaml:"issuer"`          // its address, as `https://login.example.com`: one host, no path. Required
	RPID         string        `yaml:"rp_id"`           // domain that passkeys are bound to: the issuer's host or a parent of it [the issuer's host]
	Related      []string      `yaml:"related_origins"` // other origins of yours that may use its passkeys, as `https://shop.example`; browsers take five domains [none]
	Attestation  Attestation   `yaml:"attestation"`     // which makes of passkeys may be set up
	Name         string        `yaml:"name"`            // name that people read on its pages [the id]
	Algorithm    string        `yaml:"algorithm"`       // how tokens are signed: ES256, EdDSA or RS256 [ES256]
	Branding     Branding      `yaml:"branding"`        // how its pages look
	Policy       policy.Policy `yaml:"policy"`          // its rules
	Locale       string        `yaml:"locale"`          // language of messages to people of whom none is known, as `de` or `pt-BR` [en]
	Mail         *Mail         `yaml:"mail"`            // how mail is sent
	SMS          *SMS          `yaml:"sms"`             // how text messages are sent
	Applications []Application `yaml:"applications"`    // what users sign in to, and the APIs that tokens are for
}

// Metadata names files of the FIDO Metadata Service. They are read again when they change.
type Metadata struct {
	Blob string `yaml:"blob"` // the signed list, as https://mds3.fidoalliance.org gives it. Required
	Root string `yaml:"root"` // PEM file with the root certificate that it is signed under. Required
}

// Attestation says which makes of passkeys may be set up.
type Attestation struct {
	Mode   string   `yaml:"mode"`   // none: not asked; any: one whose make is proved; list: one of `models` [none]
	Models []string `yaml:"models"` // makes for `list`, by AAGUID, as `ee882879-721c-4913-9775-3dfcce97072a`
}

// Mail is the server to which mail is handed over.
type Mail struct {
	Host     string `yaml:"host"`     // its name. Required
	Port     int    `yaml:"port"`     // its port [587; with `tls: tls` 465; with `tls: opportunistic` 25]
	Username string `yaml:"username"` // who signs in there; leave it out where nobody does
	Password Secret `yaml:"password"` // `file:PATH` or `${NAME}`
	From     string `yaml:"from"`     // sender, as `Example <no-reply@example.com>`; the name defaults to the tenant's. Required
	TLS      string `yaml:"tls"`      // starttls (or nothing is sent), tls from the first byte, or opportunistic, which is for this machine only [starttls]
	CA       string `yaml:"ca"`       // PEM file of authorities to trust instead of the system's
}

// SMS says how text messages are sent, and to where.
type SMS struct {
	Providers []Provider `yaml:"providers"` // tried in this order until one takes the message. Required
	Countries []string   `yaml:"countries"` // whose numbers get text messages, as `[DE, AT, CH]`. Required
	PerDay    int        `yaml:"per_day"`   // how many are sent in 24 hours, all told; what is above is not sent [1000]
}

// Provider is one of the following.
type Provider struct {
	Twilio  *Twilio  `yaml:"twilio"`  // Twilio, by its API
	Webhook *Webhook `yaml:"webhook"` // a gateway of your own; see [operating.md](operating.md#text-messages)
}

// Twilio is an account there.
type Twilio struct {
	Account      string `yaml:"account"`       // the account's SID, `AC…`. Required
	Key          string `yaml:"key"`           // SID of an API key, `SK…` [the account itself]
	Token        Secret `yaml:"token"`         // the key's secret, or the account's token; `file:PATH` or `${NAME}`. Required
	From         string `yaml:"from"`          // sender: a number as `+15005550006`, a name of at most 11 letters and digits, or a messaging service, `MG…`. Required
	URL          string `yaml:"url"`           // where its API is [https://api.twilio.com]
	AllowPrivate bool   `yaml:"allow_private"` // let `url` be an address of your own network [false]
}

// Webhook is a gateway of your own. Every request to it is signed.
type Webhook struct {
	URL          string `yaml:"url"`           // where messages are posted. Required
	Secret       Secret `yaml:"secret"`        // what requests are signed with; `file:PATH` or `${NAME}`. Required
	AllowPrivate bool   `yaml:"allow_private"` // let `url` be an address of your own network [false]
}

// Branding is how a tenant's pages look.
type Branding struct {
	Logo        string `yaml:"logo"`         // picture above the form: `file:logo.svg` or a data: URL; SVG or PNG, at most 64 KiB
	Accent      string `yaml:"accent"`       // colour of buttons and links on light pages, as `#2250a8`
	AccentDark  string `yaml:"accent_dark"`  // the same on dark pages
	SupportLink string `yaml:"support_link"` // https: or mailto: link for people who are stuck
}

// Reason is one thing that an application may ask people to confirm.
type Reason struct {
	ID   string `yaml:"id"`   // what the application sends as `reason`, or as the action of authorization_details. Required
	Text string `yaml:"text"` // what people read, such as `change your payout account`; at most 80 characters. Required
}

// Application is what users sign in to, or an API that tokens are for.
type Application struct {
	ID               string          `yaml:"id"`                     // the client_id. Required
	Name             string          `yaml:"name"`                   // name that people read [the id]
	Auth             string          `yaml:"auth"`                   // none (public), client_secret_basic, client_secret_post or private_key_jwt [by what follows: secrets, jwks or neither]
	Secrets          []Secret        `yaml:"secrets"`                // client secrets, several while one replaces another; each `file:PATH`, `${NAME}` or the secret itself
	JWKS             string          `yaml:"jwks"`                   // public keys for private_key_jwt: `file:PATH` or the JSON itself
	RedirectURIs     []string        `yaml:"redirect_uris"`          // where codes are sent, matched exactly; https, loopback http, or a private scheme with a dot
	PostLogoutURIs   []string        `yaml:"post_logout_uris"`       // where people may land after signing out, matched exactly
	LogoutURI        string          `yaml:"backchannel_logout_uri"` // is told, by a signed token, of each session that ends (OpenID Connect Back-Channel Logout)
	InitiateLoginURI string          `yaml:"initiate_login_uri"`     // page of the application that starts a sign-in; stale pages link to it
	Grants           []string        `yaml:"grants"`                 // authorization_code, refresh_token, client_credentials [the first two where there are redirect_uris]
	Scopes           []string        `yaml:"scopes"`                 // what it may ask for [openid profile email offline_access where there are redirect_uris]
	Audience         string          `yaml:"audience"`               // audience of its access tokens; for an API, its own name in tokens
	Resources        []string        `yaml:"resources"`              // further audiences that it may ask for by `resource` (RFC 8707)
	Origins          []string        `yaml:"origins"`                // browser origins that may call the Me API, as `https://app.example.com`
	FirstParty       bool            `yaml:"first_party"`            // yours: people are not asked for consent [false]
	SelfService      bool            `yaml:"self_service"`           // may ask for the scope me:factors, to let people manage their sign-in methods [false]
	RequirePAR       bool            `yaml:"require_par"`            // takes pushed authorization requests only (RFC 9126) [false]
	RequireDPoP      bool            `yaml:"require_dpop"`           // takes no token without a proof of its key (RFC 9449) [false]
	PKCEOptional     bool            `yaml:"pkce_optional"`          // lets a confidential application that sends a nonce leave PKCE out [false]
	MinLevel         policy.Level    `yaml:"min_level"`              // assurance level below which nobody gets in: aal1, aal2 or aal3 [aal1]
	Reasons          []Reason        `yaml:"reasons"`                // why it may ask people to confirm something, as they read it; also the actions that a token can be bound to
	Stricter         policy.Stricter `yaml:"stricter"`               // what it asks beyond the tenant's policy; it can only ask for more
	RefreshFor       policy.Duration `yaml:"refresh_for"`            // how long refresh tokens last in all, from the sign-in on [720h]
}
