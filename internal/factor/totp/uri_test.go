package totp

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"
)

var hello = []byte("Hello!\xde\xad\xbe\xef0123456789")

func TestT08_URI(t *testing.T) {
	got, err := URI{Issuer: "Acme & Söhne", Account: "ada+x@example.com", Secret: hello}.Format()
	if err != nil {
		t.Fatal(err)
	}
	want := "otpauth://totp/Acme%20%26%20S%C3%B6hne:ada%2Bx%40example.com?secret=JBSWY3DPEHPK3PXPGAYTEMZUGU3DOOBZ" +
		"&issuer=Acme%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// As a general URI parser reads it.
	u, err := url.Parse(got)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Acme & Söhne:ada+x@example.com" {
		t.Errorf("%v, %+v", err, u)
	}
	if q := u.Query(); len(q) != 5 || q.Get("issuer") != "Acme & Söhne" || strings.Contains(q.Get("secret"), "=") {
		t.Errorf("query %v", q)
	}
	back, err := ParseURI(got)
	if err != nil || back.Issuer != "Acme & Söhne" || back.Account != "ada+x@example.com" || !bytes.Equal(back.Secret, hello) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestT08_NamesThatCannotBeLabels(t *testing.T) {
	for _, bad := range []string{"", " ", "Acme: Tools", "a\nb", "a\x00", "a\u202eb", "a\u200bb", "\xff", "a\u00a0b", "a\ufffdb"} {
		if uri, err := (URI{Issuer: bad, Account: "ada", Secret: hello}).Format(); err == nil {
			t.Errorf("issuer %q: %s", bad, uri)
		}
		if uri, err := (URI{Issuer: "Acme", Account: bad, Secret: hello}).Format(); err == nil {
			t.Errorf("account %q: %s", bad, uri)
		}
	}
	if _, err := (URI{Issuer: "Acme", Account: "ada", Secret: hello[:15]}).Format(); err == nil {
		t.Error("a secret of 120 bits was taken")
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"Acme: Tools": "Acme Tools", " a\n\tb ": "a b", "": "", "::": "", "a\u202eb": "a b", "Ünïcode 語": "Ünïcode 語",
		strings.Repeat("x", 20): "xxxxxxxxxxx…",
	} {
		if got := cleanName(in, 12); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	good, err := URI{Issuer: "Acme", Account: "ada", Secret: hello}.Format()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", good + "&x=1", strings.Replace(good, "totp", "hotp", 1), strings.Replace(good, "digits=6", "digits=8", 1),
		strings.Replace(good, "Acme:", "Other:", 1), strings.Replace(good, "SHA1", "SHA256", 1), strings.ToLower(good),
		strings.Replace(good, "&issuer", "%3D&issuer", 1), strings.Replace(good, ":ada", "%3Aada", 1), good + "#x",
	} {
		if u, err := ParseURI(bad); err == nil {
			t.Errorf("%s: %+v", bad, u)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	for _, u := range []URI{{"Acme", "ada", hello}, {"Acme & Söhne", "a+b@c", hello}, {"%", "?&#=", bytes.Repeat(hello, 3)}} {
		s, err := u.Format()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s)
	}
	f.Add("otpauth://totp/a:b?secret=%zz")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		if again, err := u.Format(); err != nil || again != s {
			t.Fatalf("%q was read as %+v, which is written %q (%v)", s, u, again, err)
		}
	})
}

func FuzzURIRoundTrip(f *testing.F) {
	f.Add("Acme", "ada@example.com", hello)
	f.Add("a b", "c%2Bd", hello)
	f.Fuzz(func(t *testing.T, issuer, account string, secret []byte) {
		u := URI{Issuer: cleanName(issuer, issuerRunes), Account: cleanName(account, accountRunes), Secret: secret}
		s, err := u.Format()
		if u.Issuer == "" || u.Account == "" || len(secret) < 16 {
			if err == nil {
				t.Fatalf("%+v was written as %q", u, s)
			}
			return
		}
		if err != nil {
			t.Fatalf("a cleaned name was refused: %+v: %v", u, err)
		}
		back, err := ParseURI(s)
		if err != nil || back.Issuer != u.Issuer || back.Account != u.Account || !bytes.Equal(back.Secret, u.Secret) {
			t.Fatalf("%+v came back as %+v: %v", u, back, err)
		}
	})
}

func TestT09_SecretIsGroupedByFours(t *testing.T) {
	if got, want := grouped(hello), "JBSW Y3DP EHPK 3PXP GAYT EMZU GU3D OOBZ"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The drawing has a module wherever the code has, four modules of white around
// it, and nothing that a content security policy would stop.
func TestT09_QRIsTheURI(t *testing.T) {
	text, err := URI{Issuer: "Acme", Account: "ada@example.com", Secret: hello}.Format()
	if err != nil {
		t.Fatal(err)
	}
	drawing, err := svg(text)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			D    string `xml:"d,attr"`
			Fill string `xml:"fill,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(drawing), &doc); err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	side := code.Size + 8
	if doc.ViewBox != fmt.Sprintf("0 0 %d %d", side, side) || len(doc.Paths) != 2 || doc.Paths[0].Fill != "#fff" {
		t.Fatalf("%.200s", drawing)
	}
	black := map[[2]int]bool{}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(doc.Paths[1].D, -1) {
		var x, y, w, back int
		if _, err := fmt.Sscan(m[1], &x); err != nil {
			t.Fatal(err)
		}
		fmt.Sscan(m[2], &y)
		fmt.Sscan(m[3], &w)
		fmt.Sscan(m[4], &back)
		if w != back {
			t.Fatalf("path does not close: %v", m)
		}
		for i := range w {
			black[[2]int{x + i, y}] = true
		}
	}
	for y := range side {
		for x := range side {
			if black[[2]int{x, y}] != code.Black(x-4, y-4) {
				t.Fatalf("module %d,%d differs", x-4, y-4)
			}
		}
	}
	for _, banned := range []string{"style", "script", "http:", "href", "data:"} {
		if rest := strings.Replace(drawing, `xmlns="http://www.w3.org/2000/svg"`, "", 1); strings.Contains(rest, banned) {
			t.Errorf("the drawing holds %q", banned)
		}
	}
}

func TestLongNamesStillFitAQRCode(t *testing.T) {
	u := URI{
		Issuer:  cleanName(strings.Repeat("語", 500), issuerRunes),
		Account: cleanName(strings.Repeat("a", 242)+"@example.com", accountRunes), Secret: hello,
	}
	s, err := u.Format()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svg(s); err != nil {
		t.Error(err)
	}
	if _, err := svg(strings.Repeat("x", 3000)); err == nil {
		t.Error("3000 bytes fit no QR code")
	}
}
