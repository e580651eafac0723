package passkey

import (
	"math/big"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Bounds of an RSA modulus in bits: SP 800-131A allows no shorter one, and a
// longer one costs too much to verify.
const (
	minModulus = 2048
	maxModulus = 8192
)

// algorithms are those offered, best first. A key of any other is refused
// (5.4, 7.1).
func algorithms() []webauthncose.COSEAlgorithmIdentifier {
	return []webauthncose.COSEAlgorithmIdentifier{
		webauthncose.AlgEdDSA, webauthncose.AlgES256, webauthncose.AlgES384, webauthncose.AlgES512, webauthncose.AlgRS256,
	}
}

// curveOf is the one curve of an algorithm that has several in COSE (5.8.5).
func curveOf(alg webauthncose.COSEAlgorithmIdentifier) webauthncose.COSEEllipticCurve {
	switch alg {
	case webauthncose.AlgES256:
		return webauthncose.P256
	case webauthncose.AlgES384:
		return webauthncose.P384
	case webauthncose.AlgES512:
		return webauthncose.P521
	case webauthncose.AlgEdDSA:
		return webauthncose.Ed25519
	}
	return webauthncose.EllipticCurveReserved
}

// acceptable reports whether a COSE key is of an algorithm that was offered, on
// its curve, with an uncompressed point, and neither too short nor too long.
func acceptable(cose []byte) bool {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return false
	}
	offered := func(alg, curve int64) bool {
		for _, a := range algorithms() {
			if int64(a) == alg {
				return int64(curveOf(a)) == curve
			}
		}
		return false
	}
	switch k := key.(type) {
	case webauthncose.EC2PublicKeyData:
		return offered(k.Algorithm, k.Curve)
	case webauthncose.OKPPublicKeyData:
		return offered(k.Algorithm, k.Curve)
	case webauthncose.RSAPublicKeyData:
		return offered(k.Algorithm, int64(webauthncose.EllipticCurveReserved)) && strong(k)
	}
	return false
}

// strong holds an RSA key to length, and to an exponent that hides something.
func strong(k webauthncose.RSAPublicKeyData) bool {
	e, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
	bits := new(big.Int).SetBytes(k.Modulus).BitLen()
	return err == nil && e >= 3 && e%2 == 1 && bits >= minModulus && bits <= maxModulus
}

// signs reports whether a signature over signed is of this key.
func signs(cose, signed, signature []byte) bool {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return false
	}
	valid, err := webauthncose.VerifySignature(key, signed, signature)
	return err == nil && valid
}

// nobodysKey is what a response is held against where nobody's credential
// answered: the generator of P-256. It takes the time, and its result is not
// asked.
func nobodysKey() []byte {
	return []byte("\xa5\x01\x02\x03\x26\x20\x01" +
		"\x21\x58\x20\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96" +
		"\x22\x58\x20\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5")
}

// contradicts reports flags that cannot be: a key that is backed up without
// being eligible (6.1.3).
func contradicts(f protocol.AuthenticatorFlags) bool {
	return f.HasBackupState() && !f.HasBackupEligible()
}
