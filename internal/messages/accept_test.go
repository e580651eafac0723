package messages

import (
	"strings"
	"testing"
)

func TestX10_Language(t *testing.T) {
	brazilian := english()
	brazilian.tag = "pt-BR"
	all := load(english(), german(), brazilian)
	for _, test := range []struct {
		accept string
		ui     []string
		want   string
	}{
		{"", nil, "en"},
		{"de", nil, "de"},
		{"de-AT", nil, "de"},
		{"de-CH", nil, "de"},
		{"de-CH, fr-CH;q=0.9, en;q=0.1", nil, "de"},
		{"fr-CH, de-CH;q=0.9, en;q=0.1", nil, "de"},
		{"en-GB", nil, "en"},
		{"en-GB, de;q=0.9", nil, "en"},
		{"de-Latn-DE-1996-x-private", nil, "de"},
		{"DE-at-1996", nil, "de"},
		{"x-de", nil, "en"},
		{"d", nil, "en"},
		{"deu", nil, "en"},
		{"pt-BR", nil, "pt-BR"},
		{"pt", nil, "en"},
		{"fr, de;q=0.5, en;q=0.7", nil, "en"},
		{"fr, de;q=0.7, en;q=0.5", nil, "de"},
		{"en;q=0.7,de;Q=0.8", nil, "de"},
		{"en;q=0.5,de;q=0.5", nil, "en"},
		{"de;q=0.5,en;q=0.5", nil, "de"},
		{" de ; q = 1.000 ", nil, "de"},
		{"de;q=0, en;q=0.1", nil, "en"},
		{"de;q=0", nil, "en"},
		{"de;q=0.000", nil, "en"},
		{"de;q=NaN", nil, "en"},
		{"de;q=2", nil, "en"},
		{"de;q=-1", nil, "en"},
		{"de;q=inf", nil, "en"},
		{"de;q=", nil, "en"},
		{"*", nil, "en"},
		{"*, de;q=0.1", nil, "de"},
		{";;;,,,=;q", nil, "en"},
		{"\x00\xff\xfe, d\u0435, -de, de-", nil, "de"}, // "de-" has the prefix "de"
		{"../de, <de>, \"de\"", nil, "en"},
		{"en", []string{"xx", "de"}, "de"},
		{"en", []string{"", "de-CH"}, "de"},
		{"de", []string{"xx"}, "de"},
		{strings.Repeat("fr,", 40) + "de", nil, "en"},
		{"", append(make([]string, 40), "de"), "en"},
		{strings.Repeat("x-", 5_000) + "de", nil, "en"},
		{"de-" + strings.Repeat("a-", 5_000), nil, "en"},
		{strings.Repeat(",;q", 3_400) + ",de", nil, "de"},
	} {
		if got := all.For(test.accept, test.ui).Lang(); got != test.want {
			t.Errorf("%.60q %v: %s, want %s", test.accept, test.ui, got, test.want)
		}
	}
}

// TestX10_Wishes: what the application asks for, then the browser, the user's
// language, the tenant's, English.
func TestX10_Wishes(t *testing.T) {
	french, polish := english(), english()
	french.tag, polish.tag = "fr", "pl"
	all := load(english(), german(), french, polish)
	for _, test := range []struct {
		wishes Wishes
		want   string
	}{
		{Wishes{}, "en"},
		{Wishes{Tenant: "de"}, "de"},
		{Wishes{Tenant: "de-CH"}, "de"},
		{Wishes{User: "de_DE", Tenant: "pl"}, "de"},
		{Wishes{User: "xx", Tenant: "pl"}, "pl"},
		{Wishes{User: "xx", Tenant: "yy"}, "en"},
		{Wishes{Accept: "fr", User: "de", Tenant: "pl"}, "fr"},
		{Wishes{Accept: "*", User: "de", Tenant: "pl"}, "de"},
		{Wishes{Accept: "xx, fr;q=0", User: "de", Tenant: "pl"}, "de"},
		{Wishes{Accept: "en", User: "de", Tenant: "pl"}, "en"},
		{Wishes{UI: []string{"pl"}, Accept: "fr", User: "de"}, "pl"},
		{Wishes{UI: []string{"xx"}, Accept: "fr", User: "de"}, "fr"},
		{Wishes{User: strings.Repeat("de-", 4_000), Tenant: "pl"}, "pl"},
	} {
		if got := all.Choose(test.wishes).Lang(); got != test.want {
			t.Errorf("%.80v: %s, want %s", test.wishes, got, test.want)
		}
	}
	asked := append(make([]string, 0, 8), "xx")
	all.Choose(Wishes{UI: asked, Accept: "fr"})
	if spare := asked[:2][1]; spare != "" {
		t.Errorf("the caller's list was written to: %q", spare)
	}
}

// TestPseudoLanguagesAreNeverServed: no header brings them up.
func TestPseudoLanguagesAreNeverServed(t *testing.T) {
	for _, tag := range []string{"qps-ploc", "qps-plocm", "qps"} {
		if got := Load().For(tag, []string{tag}).Lang(); got != "en" {
			t.Errorf("%s gives %s", tag, got)
		}
	}
}

func FuzzFor(f *testing.F) {
	f.Add("de;q=0.1,*", "de")
	all := Load()
	f.Fuzz(func(t *testing.T, accept, tag string) {
		if all.For(accept, []string{tag}).Lang() == "" {
			t.Error("no language")
		}
	})
}
