package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// maker is a certificate authority: a maker of keys, or the metadata service.
type maker struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newMaker(name string) maker {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := maker{key: key}
	c.cert = c.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, &key.PublicKey)
	return c
}

func (c maker) issue(template *x509.Certificate, pub *ecdsa.PublicKey) *x509.Certificate {
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	parent := c.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, c.key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

// batch is an attestation certificate of a maker, for one model (8.2.1).
func (c maker) batch(aaguid [16]byte, change func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	model, _ := asn1.Marshal(aaguid[:])
	template := &x509.Certificate{
		Subject:               pkix.Name{Country: []string{"SE"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Batch 1"},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: model}},
	}
	if change != nil {
		change(template)
	}
	return c.issue(template, &key.PublicKey), key
}

type statement = func(*soft, []byte, []byte) (string, any)

// packed makes statements under an attestation certificate.
func packed(cert *x509.Certificate, key *ecdsa.PrivateKey, more ...*x509.Certificate) statement {
	return func(_ *soft, data, hash []byte) (string, any) {
		x5c := [][]byte{cert.Raw}
		for _, c := range more {
			x5c = append(x5c, c.Raw)
		}
		return "packed", map[string]any{"alg": -7, "sig": (&soft{key: key}).sign(slices.Concat(data, hash)), "x5c": x5c}
	}
}

// u2f makes statements of the oldest sort (8.6).
func u2f(cert *x509.Certificate, key *ecdsa.PrivateKey) statement {
	return func(k *soft, data, hash []byte) (string, any) {
		point, _ := k.key.PublicKey.Bytes()
		message := slices.Concat([]byte{0}, data[:32], hash, k.id, point)
		return "fido-u2f", map[string]any{"sig": (&soft{key: key}).sign(message), "x5c": [][]byte{cert.Raw}}
	}
}

func fixed(format string, stmt any) statement {
	return func(*soft, []byte, []byte) (string, any) { return format, stmt }
}

// spoilt flips a bit of what a statement signs.
func spoilt(s statement) statement {
	return func(k *soft, data, hash []byte) (string, any) {
		hash = slices.Clone(hash)
		hash[0] ^= 1
		return s(k, data, hash)
	}
}

// modelled is an entry of the metadata, and changes to it.
func modelled(aaguid [16]byte, root *x509.Certificate, change func(entry, statement map[string]any)) map[string]any {
	statement := map[string]any{
		"description": "Maker Key 5", "authenticatorVersion": 1, "protocolFamily": "fido2", "schema": 3,
		"upv": []any{map[string]any{"major": 1, "minor": 0}}, "attestationTypes": []string{"basic_full"},
		"authenticationAlgorithms": []string{"secp256r1_ecdsa_sha256_raw"}, "publicKeyAlgAndEncodings": []string{"cose"},
		"keyProtection": []string{"hardware", "secure_element"}, "matcherProtection": []string{"on_chip"},
		"attestationRootCertificates": []string{base64.StdEncoding.EncodeToString(root.Raw)},
	}
	entry := map[string]any{
		"aaguid": uuid.UUID(aaguid).String(), "timeOfLastStatusChange": "2025-01-01", "metadataStatement": statement,
		"statusReports": []any{map[string]any{"status": "FIDO_CERTIFIED_L1", "effectiveDate": "2025-01-01"}},
	}
	if change != nil {
		change(entry, statement)
	}
	return entry
}

// service is a metadata service of our own.
type service struct {
	root   maker
	leaf   *x509.Certificate
	key    *ecdsa.PrivateKey
	number int
}

func newService() *service {
	s := &service{root: newMaker("Metadata root")}
	s.leaf, s.key = s.root.batch([16]byte{}, func(c *x509.Certificate) { c.ExtraExtensions = nil })
	return s
}

func (s *service) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.root.cert.Raw})
}

// edition signs the next edition.
func (s *service) edition(entries ...map[string]any) []byte {
	s.number++
	return s.signed(map[string]any{"legalHeader": "x", "no": s.number, "nextUpdate": "2026-04-01", "entries": entries}, s.key, s.leaf)
}

func (s *service) signed(payload any, key any, chain ...*x509.Certificate) []byte {
	var x5c []string
	for _, c := range chain {
		x5c = append(x5c, base64.StdEncoding.EncodeToString(c.Raw))
	}
	alg := jose.ES256
	if _, ok := key.([]byte); ok {
		alg = jose.HS256
	}
	options := (&jose.SignerOptions{}).WithHeader("x5c", x5c)
	if x5c == nil {
		options = nil
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign([]byte(jsonOf(payload)))
	if err != nil {
		panic(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return []byte(out)
}

// shop is a maker, its model and a metadata service that knows it.
type shop struct {
	maker   maker
	aaguid  [16]byte
	model   string
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	service *service
	known   *Metadata
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{maker: newMaker("Maker root"), service: newService(), known: &Metadata{}}
	copy(s.aaguid[:], "hardware model 5")
	s.model = uuid.UUID(s.aaguid).String()
	s.cert, s.key = s.maker.batch(s.aaguid, nil)
	s.load(t, nil)
	return s
}

var march = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (s *shop) load(t *testing.T, change func(entry, statement map[string]any)) {
	t.Helper()
	next, err := s.known.Load(s.service.edition(modelled(s.aaguid, s.maker.cert, change)), s.service.pem(), march)
	if err != nil {
		t.Fatal(err)
	}
	if !next.Equal(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("next edition %v", next)
	}
}

func (s *shop) world(t *testing.T, a identity.Attestation) *world {
	t.Helper()
	w := newWorld(t)
	w.f.metadata = s.known
	w.s.Tenant.Attestation = a
	return w
}

func (s *shop) soft(flags byte, how statement) *soft {
	k := newSoft(flags)
	k.aaguid, k.statement = s.aaguid, how
	return k
}
