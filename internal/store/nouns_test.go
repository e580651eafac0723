package store_test

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// One of each noun with every field set, so that a field that is lost shows.

func later(d time.Duration) *time.Time {
	t := noon.Add(d)
	return &t
}

var ada = identity.User{
	ID: "usr_ada", Handle: []byte{0, 1, 255}, Identifier: "ada@example.com", Email: "Ada@Example.com",
	EmailVerified: true, Name: "Ada <Lovelace> \x00 & \u2028", Phone: "+441234567890", Locale: "en-GB",
	Groups: []string{"staff", "admins"}, CreatedAt: noon, DisabledAt: later(time.Hour), Epoch: 7,
}

var app = identity.Application{
	ID: "app_1", Name: "App", AuthMethod: identity.AuthPrivateKeyJWT,
	Secrets: []identity.Secret{{Salt: []byte("salt"), Hash: []byte("hash")}}, JWKS: json.RawMessage(`{"keys":[]}`),
	RedirectURIs: []string{"https://app.test/cb"}, PostLogoutURIs: []string{"https://app.test/bye"},
	InitiateLoginURI: "https://app.test/login", Grants: []string{identity.GrantCode}, Scopes: []string{"openid"},
	Audience: "https://api.test", Resources: []string{"https://r.test"}, Origins: []string{"https://app.test"},
	FirstParty: true, SelfService: true, RequirePAR: true, PKCEOptional: true, MinLevel: 2,
	RefreshFor: time.Hour, Disabled: true, Digest: "d1",
}

var proofs = []assurance.Proof{
	{Factor: "password", Class: assurance.Memorized, AMR: "pwd", Enrolment: "enr_1", At: noon, Channel: "c"},
	{Factor: "totp", Class: assurance.OneTime, AMR: "otp", Enrolment: "enr_2", At: noon.Add(time.Second), UserVerified: true, BackupEligible: true, Hardware: true, Model: "m"},
}

var enrolment = identity.Enrolment{
	ID: "enr_2", User: ada.ID, Factor: "totp", Name: "phone", Data: []byte("JBSWY3DPEHPK3PXP"), Lookup: []byte("a lookup to find it by"),
	EnrolledAt: noon, LastUsedAt: later(time.Minute), Suspended: true, Version: 1,
}

var session = identity.Session{
	ID: "ses_1", User: ada.ID, SecretHash: identity.Hash("cookie"), Proofs: proofs, CreatedAt: noon,
	Activity: assurance.Activity{Last: noon.Add(time.Minute)}, Device: "dev_1", IP: "192.0.2.1", UserAgent: "Firefox", EndReason: "because", Version: 1,
}

var grant = identity.Grant{
	ID: "grt_1", User: ada.ID, Application: app.ID, Session: session.ID, Proofs: proofs, Scopes: []string{"openid"},
	Resources: []string{"https://r.test"}, Nonce: "n", Thumbprint: "t", Claims: []string{"email"}, Userinfo: []string{"name"},
	CreatedAt: noon, ExpiresAt: noon.Add(time.Hour), Reason: "why", Version: 1,
}

var device = identity.Device{
	ID: "dev_1", User: ada.ID, SecretHash: []byte("now"), PrevHash: []byte("then"), RotatedAt: noon,
	CreatedAt: noon, LastSeen: noon.Add(time.Minute), Label: "Firefox on Linux",
}

var lane = identity.Lane{
	Subject: ada.ID, Name: "unknown", Days: []identity.DayMass{{Day: 20000, Mass: 3_000_000}}, Failures: 4, LastFail: noon, Version: 1,
}

var event = identity.Event{
	ID: "evt_1", At: noon, Type: identity.EventSignIn, Outcome: identity.Succeeded, User: ada.ID, Actor: "system", Application: app.ID,
	Session: session.ID, Flow: "flow_1", Factor: "totp", Reasons: []string{"r"}, IP: "192.0.2.1", Device: "dev_1", UserAgent: "Firefox",
	Data: map[string]string{"k": "v"},
}

var signingKey = identity.SigningKey{
	ID: "kid_1", Algorithm: "ES256", Public: []byte(`{"kty":"EC"}`), Private: []byte("a PKCS #8 private key"), CreatedAt: noon,
	ActiveAt: noon.Add(time.Hour), RetiredAt: later(2 * time.Hour), ExpiresAt: later(3 * time.Hour),
}

var message = identity.Message{
	ID: "msg_1", Kind: identity.MessageCode, Channel: identity.ChannelSMS, To: "+441234567890", Name: "Ada <Lovelace>", Code: "918273",
	Args: map[string]string{"at": "noon", "place": "a place to be kept secret"}, Locale: "en-GB", Country: "GB", Prefix: "44123",
	At: noon, Expires: noon.Add(time.Minute), User: ada.ID,
}

// itemValue is a value that is easy to find in a file.
var itemValue = []byte("the sealed state of a flow")

// fill puts one of each into a tenant.
func fill(tx identity.Tx) error {
	for _, put := range []func() error{
		func() error { return tx.Applications.Put(ctx, app) },
		func() error { return tx.Users.Create(ctx, ada) },
		func() error { return tx.Enrolments.Create(ctx, enrolment) },
		func() error { return tx.Sessions.Create(ctx, session) },
		func() error { return tx.Grants.Create(ctx, grant) },
		func() error { return tx.Devices.Put(ctx, device) },
		func() error { l := lane; l.Version = 0; return tx.Lanes.Save(ctx, l) },
		func() error { return tx.Ephemerals.Put(ctx, "flow", "flow_1", itemValue, noon.Add(time.Hour)) },
		func() error { return tx.Events.Append(ctx, event) },
		func() error { return tx.Keys.Put(ctx, signingKey) },
		func() error { return tx.Outbox.Put(ctx, message) },
	} {
		if err := put(); err != nil {
			return err
		}
	}
	return nil
}

// rng reads like crypto/rand.Reader.
type rng struct{}

func (rng) Read(b []byte) (int, error) { return rand.Read(b) }
