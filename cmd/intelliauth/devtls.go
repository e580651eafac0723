package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour // browsers refuse long ones
)

// devCertificate makes a certificate for this machine's names under a local
// authority, which is kept so that it need be trusted once only.
func devCertificate(data string, m *Main) (*tls.Config, error) {
	folder := filepath.Join(data, "tls")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	ca, err := localAuthority(folder, m)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), m.Random)
	if err != nil {
		return nil, err
	}
	leaf := m.template509("localhost", leafLife)
	leaf.DNSNames = []string{"localhost", "app.localhost", "acme.localhost", "acme-app.localhost"}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(m.Random, leaf, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		return nil, err
	}
	pair := tls.Certificate{Certificate: [][]byte{der, ca.Certificate[0]}, PrivateKey: key}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// localAuthority reads the authority, or makes one.
func localAuthority(folder string, m *Main) (*tls.Certificate, error) {
	certFile, keyFile := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "ca-key.pem")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil && m.Now().Before(pair.Leaf.NotAfter.Add(-leafLife)) {
		return &pair, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, next(fmt.Errorf("the local authority cannot be used: %w", err), "remove %s; a new one will be made", folder)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), m.Random)
	if err != nil {
		return nil, err
	}
	ca := m.template509("IntelliAuth development authority", caLife)
	ca.IsCA, ca.BasicConstraintsValid, ca.MaxPathLenZero = true, true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	// Whoever steals this key may pretend to be this machine to itself, no more.
	ca.PermittedDNSDomainsCritical, ca.PermittedDNSDomains = true, []string{"localhost"}
	ca.PermittedIPRanges = []*net.IPNet{
		{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
	}
	der, err := x509.CreateCertificate(m.Random, ca, ca, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
	)
	if err != nil {
		return nil, err
	}
	pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	return &pair, err
}

// template509 is what both certificates share. They are valid by the real clock
// of browsers, which the world's own clock does not move.
func (m *Main) template509(name string, life time.Duration) *x509.Certificate {
	serial := []byte(identity.RandomToken(12, m.Random)) // 16 bytes, the first of them never zero
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: m.Now().Add(-time.Hour), NotAfter: m.Now().Add(life),
	}
}

func howToTrust(data string) string {
	ca := filepath.Join(data, "tls", "ca.pem")
	return fmt.Sprintf(`
  To trust https here, import the authority once: %[1]s
    Chromium on Linux   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n intelliauth-dev -i %[1]s
    macOS               security add-trusted-cert -k ~/Library/Keychains/login.keychain-db %[1]s
    curl · Node · Go    --cacert %[1]s · NODE_EXTRA_CA_CERTS=%[1]s · SSL_CERT_FILE=%[1]s
  It can vouch for localhost only.`, ca)
}
