package config

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// saltBytes is the length of a client secret's salt.
const saltBytes = 16

// Declared is one tenant as the file declares it, with its applications. Each
// carries the digest of its declaration, which changes with it and with the
// secrets that it names, and with nothing else.
type Declared struct {
	Tenant       identity.Tenant
	Applications []identity.Application
	secrets      [][]string // by application
}

// Declared returns the tenants in the order of the file. Client secrets are
// left out: see [Declared.Seal].
func (c *Config) Declared() []Declared { return c.declared }

// Seal returns the i-th application with its client secrets, hashed under fresh
// salt.
func (d Declared) Seal(i int, random io.Reader) (identity.Application, error) {
	app := d.Applications[i]
	app.Secrets = nil
	for _, value := range d.secrets[i] {
		salt := make([]byte, saltBytes)
		if _, err := io.ReadFull(random, salt); err != nil {
			return identity.Application{}, fmt.Errorf("salt a client secret: %w", err)
		}
		app.Secrets = append(app.Secrets, identity.NewSecret(salt, value))
	}
	return app, nil
}

func (c *checker) declare(f *File) {
	for i := range f.Tenants {
		d, err := f.Tenants[i].declare(c.out.Inbox)
		if err != nil {
			c.wrong(fmt.Sprintf("tenants[%d]", i), "%v", err)
			continue
		}
		c.config.declared = append(c.config.declared, d)
	}
}

func (t Tenant) declare(inbox bool) (Declared, error) {
	rules, err := json.Marshal(t.Policy)
	if err != nil {
		return Declared{}, err
	}
	d := Declared{Tenant: identity.Tenant{
		ID: t.ID, Issuer: t.Issuer, RPID: t.RPID, Name: t.Name, Algorithm: t.Algorithm, Policy: rules,
		Branding: identity.Branding{
			Logo: t.Branding.Logo, Accent: t.Branding.Accent, AccentDark: t.Branding.AccentDark, SupportLink: t.Branding.SupportLink,
		},
		RelatedOrigins: t.Related, Attestation: identity.Attestation{Mode: t.Attestation.Mode, Models: t.Attestation.Models}, Locale: t.Locale,
	}}
	if t.SMS != nil {
		d.Tenant.SMSCountries, d.Tenant.SMSPerDay = t.SMS.Countries, t.SMS.PerDay
	}
	if t.Mail != nil || inbox {
		d.Tenant.Channels = append(d.Tenant.Channels, identity.ChannelEmail)
	}
	if t.SMS != nil {
		d.Tenant.Channels = append(d.Tenant.Channels, identity.ChannelSMS)
	}
	if d.Tenant.Digest, err = digest(d.Tenant); err != nil {
		return Declared{}, err
	}
	for _, a := range t.Applications {
		app := a.declare()
		var secrets []string
		for _, s := range a.Secrets {
			secrets = append(secrets, s.value)
		}
		if app.Digest, err = digest(app, t.ID, secrets); err != nil {
			return Declared{}, err
		}
		d.Applications, d.secrets = append(d.Applications, app), append(d.secrets, secrets)
	}
	return d, nil
}

func (a Application) declare() identity.Application {
	app := identity.Application{
		ID: a.ID, Name: a.Name, AuthMethod: a.Auth,
		RedirectURIs: a.RedirectURIs, PostLogoutURIs: a.PostLogoutURIs, InitiateLoginURI: a.InitiateLoginURI,
		Grants: a.Grants, Scopes: a.Scopes, Audience: a.Audience, Resources: a.Resources, Origins: a.Origins,
		FirstParty: a.FirstParty, SelfService: a.SelfService, RequirePAR: a.RequirePAR, RequireDPoP: a.RequireDPoP, LogoutURI: a.LogoutURI, PKCEOptional: a.PKCEOptional,
		MinLevel: int(a.MinLevel), RefreshFor: time.Duration(a.RefreshFor),
	}
	for _, r := range a.Reasons {
		app.Reasons = append(app.Reasons, identity.Reason{ID: r.ID, Text: r.Text})
	}
	if !a.Stricter.IsZero() {
		app.Stricter, _ = json.Marshal(a.Stricter) // words and numbers alone
	}
	if a.JWKS != "" {
		app.JWKS = json.RawMessage(a.JWKS)
	}
	return app
}

// digest is what tells a declaration from the one that was applied before.
func digest(parts ...any) (string, error) {
	b, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
