package config

import (
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// mostRelated is how many domains beside the RP ID's own a browser is bound to
// take (WebAuthn Level 3, 5.11.1).
const mostRelated = 5

// metadata checks that both files are there and look like what they should be;
// the signature is checked when they are loaded.
func (c *checker) metadata(m *Metadata) {
	if m == nil {
		return
	}
	for _, part := range []struct {
		at   string
		path *string
		good func([]byte) bool
		want string
	}{
		{"passkey_metadata.blob", &m.Blob, isJWS, "a signed BLOB (three parts of base64, with dots between)"},
		{"passkey_metadata.root", &m.Root, isCertificate, "a certificate in PEM"},
	} {
		if *part.path == "" {
			if !c.bad[part.at] {
				c.wrong(part.at, "is missing: passkey_metadata needs blob and root, each the path of a file")
			}
			continue
		}
		raw, err := readFile(c.out, c.folder, *part.path)
		if err != nil {
			c.wrong(part.at, "%v", err)
		} else if !part.good(raw) {
			c.wrong(part.at, "does not hold %s", part.want)
		}
		*part.path = c.full(*part.path)
	}
}

// full is a path from the root, where a relative one starts at the folder.
func (c *checker) full(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.folder, path)
}

func isJWS(raw []byte) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`).MatchString(strings.TrimSpace(string(raw)))
}

func isCertificate(raw []byte) bool {
	block, _ := pem.Decode(raw)
	if block == nil {
		return false
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err == nil
}

func (c *checker) passkeys(at string, t *Tenant, metadata bool) {
	labels := map[string]bool{}
	for i, origin := range t.Related {
		each := at + ".related_origins[" + strconv.Itoa(i) + "]"
		known := len(c.problems)
		c.origin(each, origin)
		if c.bad[each] || len(c.problems) > known {
			continue
		}
		switch {
		case origin == t.Issuer:
			c.wrong(each, "is the issuer, which may use its passkeys anyway")
		case slices.Contains(t.Related[:i], origin):
			c.wrong(each, "is given twice")
		}
		labels[label(origin)] = true
	}
	if len(labels) > mostRelated {
		c.wrong(at+".related_origins", "name %d domains, and browsers take no more than %d", len(labels), mostRelated)
	}
	a := &t.Attestation
	at += ".attestation"
	a.Mode = c.choice(at+".mode", a.Mode, "", "none", "any", "list")
	asked := a.Mode == "any" || a.Mode == "list"
	switch {
	case asked && !metadata:
		c.wrong(at+".mode", "%s needs passkey_metadata: without it no make can be proved, and no passkey could be set up", a.Mode)
	case a.Mode == "list" && len(a.Models) == 0 && !c.bad[at+".models"]:
		c.wrong(at+".mode", "list needs models")
	case a.Mode != "list" && len(a.Models) > 0:
		c.wrong(at+".models", "are not used without mode: list")
	}
	for i, model := range a.Models {
		each := at + ".models[" + strconv.Itoa(i) + "]"
		a.Models[i] = strings.ToLower(model)
		if !c.bad[each] && !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`).MatchString(a.Models[i]) {
			c.wrong(each, "%q is no AAGUID (write ee882879-721c-4913-9775-3dfcce97072a)", model)
		}
	}
}

// label is what a browser counts: the name that was registered, without its
// public suffix.
func label(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	host, _, _ = strings.Cut(host, ":")
	suffix, _ := publicsuffix.PublicSuffix(host)
	rest := strings.TrimSuffix(strings.TrimSuffix(host, suffix), ".")
	return rest[strings.LastIndexByte(rest, '.')+1:]
}
