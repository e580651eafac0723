package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// accountWorld has somebody signed in who has everything.
func accountWorld(t *testing.T) *world {
	w := meWorld(t)
	full := fullAccount(plainNames())
	w.accounts.account, w.accounts.begun = &full, flow.Begun{FlowID: "flow_9"}
	w.flows.current, w.flows.begun = signedIn(), flow.Begun{FlowID: "flow_1"}
	return w
}

// own are the changes of the account pages: where each is asked, what is
// posted, and the duty that begins.
func own() []struct {
	path string
	form string
	duty flow.Duty
	back string
} {
	return []struct {
		path string
		form string
		duty flow.Duty
		back string
	}{
		{"/account/add", form("factor", "totp"), flow.Duty{Kind: flow.DutyEnrol, Factor: "totp"}, "/account?done=enrol"},
		{"/account/codes", form("factor", "recovery"), flow.Duty{Kind: flow.DutyEnrol, Factor: "recovery"}, "/account?done=enrol"},
		{"/account/rename/enr_2", form("value", " Blue phone "), flow.Duty{Kind: flow.DutyRename, Enrolment: "enr_2", Value: "Blue phone"}, "/account?done=rename"},
		{"/account/remove/enr_2", "", flow.Duty{Kind: flow.DutyRemove, Enrolment: "enr_2"}, "/account?done=remove"},
		{"/account/password", "", flow.Duty{Kind: flow.DutyPassword}, "/account?done=password"},
		{"/account/email", form("value", "ada@new.example"), flow.Duty{Kind: flow.DutyEmail, Value: "ada@new.example"}, "/account?done=email"},
		{"/account/phone", form("value", "+44 7700 900123"), flow.Duty{Kind: flow.DutyPhone, Value: "+44 7700 900123"}, "/account?done=phone"},
		{"/account/phone/remove", "", flow.Duty{Kind: flow.DutyPhone}, "/account?done=phone"},
		{"/account/sessions/ses_2", "", flow.Duty{Kind: flow.DutyEndSession, Session: "ses_2"}, "/account?done=end-session"},
		{"/account/sessions/others", "", flow.Duty{Kind: flow.DutyEndOthers}, "/account?done=end-others"},
		{"/account/sessions/all", "", flow.Duty{Kind: flow.DutyEndAll}, "/signout"},
	}
}

func TestAccountTellsAll(t *testing.T) {
	p := find(t, "account")
	p.contains("Your sign-in", "Signed in as ada@example.com", "Work laptop", "Passkey", "Added on 12 February 2026, 20:00 UTC", "Last used on 1 March 2026, 10:00 UTC",
		"Ada’s phone", "Not used yet", "Text messages can be intercepted", "Suspended:", "Add a sign-in method",
		"You have only 2 recovery codes left.", "Set on", "Ada Lovelace", "Confirmed", "+44 7700 900123",
		"Firefox · Linux", "This browser", "Active now", "Safari · iPhone", "Unknown browser", "203.0.113.7", "Place unknown", "Signed in with two steps",
		"Demo application", "See your e-mail address", "Use the permission “payments:write”", "An application that is no longer registered", "It knows who you are, and nothing more.",
		"You signed in.", "You had set up a second step.", "A wrong answer was given: Authenticator app.", "Chrome · Windows", "In this browser", "You allowed an application what it asked for: Demo application.")
	whole := text(p.root)
	for what, n := range map[string]int{"Demo application": 2, "A sign-in method was used": 0, "Recovery codes": 2, "one more second step": 0} {
		if got := strings.Count(whole, what); got != n {
			t.Errorf("%q stands there %d times, want %d", what, got, n)
		}
	}
	find(t, "account-alone").contains("Add one more second step", "8 codes left", "Not confirmed yet", "The new sign-in method is ready.")
	find(t, "account-bare").contains("You have no second step yet.", "Add a second step", "Make recovery codes", "No name is known.", "You’re signed in nowhere else.", "Sign out everywhere", "No application is connected.", "Nothing has happened yet.")
	p = find(t, "account-spent")
	p.contains("You have used all your recovery codes.", "You have no password.", "Choose a password", "You have set up everything that Acme offers.", "The application is disconnected.")
	if strings.Contains(text(find(t, "account-bare").root), "Sign out all other browsers") {
		t.Error("others are to be signed out where there are none")
	}
}

// TestW27_OnlyTheOwnersPageSignals what the browser may know of passkeys.
func TestW27_OnlyTheOwnersPageSignals(t *testing.T) {
	want := `{"rpId":"id.acme.example","userId":"YWRh","allAcceptedCredentialIds":["AAAA"],"name":"ada@example.com","displayName":"Ada Lovelace"}`
	for _, p := range shown(t, plainNames()) {
		main := p.elements("main")[0]
		has := slices.ContainsFunc(main.Attr, func(a html.Attribute) bool { return a.Key == "data-signals" })
		if owner := p.name == "account" || p.name == "account-alone" || p.name == "account-spent"; has != owner || owner && attr(main, "data-signals") != want {
			t.Errorf("%s: %s", p.name, attr(main, "data-signals"))
		}
	}
}

func TestAccountWhereNobodyIsSignedIn(t *testing.T) {
	for _, path := range []string{"/account", "/account?done=enrol", "/account/remove/enr_2", "/account/password", "/account/name", "/account/applications/demo", "/account/sessions/all"} {
		w := accountWorld(t)
		w.flows.current, w.accounts.account = nil, nil
		rec := w.do(w.html(http.MethodGet, path, ""))
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/flow/flow_1" || w.flows.requests[0].Authorization.RedirectURI != path || !w.flows.requests[0].Authorization.OwnPage {
			t.Errorf("%s: %d %+v", path, rec.Code, w.flows.requests)
		}
		if !strings.HasPrefix(rec.Header().Get("Set-Cookie"), "__Host-ia_browser=") {
			t.Errorf("%s: the browser is not bound", path)
		}
	}
	for _, change := range own() {
		w := accountWorld(t)
		w.flows.current, w.accounts.account = nil, nil
		rec := w.do(w.html(http.MethodPost, change.path, change.form))
		if rec.Code != http.StatusSeeOther || len(w.accounts.duties) != 0 || w.flows.requests[0].Authorization.RedirectURI != "/account" {
			t.Errorf("%s: %d %+v", change.path, rec.Code, w.accounts.duties)
		}
	}
}

// TestC20_ChangesBeginAFlow: a page changes nothing by itself; each change is a
// flow that proves anew.
func TestC20_ChangesBeginAFlow(t *testing.T) {
	for _, change := range own() {
		w := accountWorld(t)
		if change.path != "/account/add" {
			p := parsed(t, change.path, w.do(w.html(http.MethodGet, change.path, "")))
			post := p.elements("form")[0]
			if p.status != http.StatusOK || attr(post, "action") != change.path || len(w.accounts.duties) != 0 {
				t.Errorf("%s: %d, posts to %s", change.path, p.status, attr(post, "action"))
			}
			p.contains("Leave it as it is")
		}
		rec := w.do(w.html(http.MethodPost, change.path, change.form))
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/flow/flow_9" {
			t.Fatalf("%s: %d %s", change.path, rec.Code, rec.Header().Get("Location"))
		}
		if len(w.accounts.duties) != 1 || w.accounts.duties[0] != change.duty || w.accounts.backs[0] != change.back || w.accounts.browsers[0].Binding == "" {
			t.Errorf("%s: %+v %v %+v", change.path, w.accounts.duties, w.accounts.backs, w.accounts.browsers)
		}
		if len(w.changes.actors) != 0 {
			t.Errorf("%s: changed at once", change.path)
		}
	}
}

func TestChangesOfWhatIsNotThere(t *testing.T) {
	w := accountWorld(t)
	for _, path := range []string{"/account/rename/enr_0", "/account/remove/other", "/account/sessions/ses_9", "/account/applications/other"} {
		if rec := w.do(w.html(http.MethodGet, path, "")); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	w.accounts.account.User.Phone, w.accounts.account.CodesOf = "", ""
	for _, path := range []string{"/account/phone/remove", "/account/codes"} {
		if rec := w.do(w.html(http.MethodGet, path, "")); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	w.accounts.err = identity.ErrNotFound
	if rec := w.do(w.html(http.MethodPost, "/account/remove/other", "")); rec.Code != http.StatusNotFound {
		t.Errorf("%d", rec.Code)
	}
	w.accounts.err = errors.New("disk at /var")
	if rec := w.do(w.html(http.MethodPost, "/account/remove/other", "")); rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "/var") {
		t.Errorf("%d", rec.Code)
	}
}

func TestWhatIsMissingIsAskedForAgain(t *testing.T) {
	for _, path := range []string{"/account/rename/enr_2", "/account/email", "/account/phone", "/account/name"} {
		w := accountWorld(t)
		rec := w.do(w.html(http.MethodPost, path, form("value", "  ")))
		p := parsed(t, path, rec)
		p.contains("Please fill in this field.")
		if rec.Code != http.StatusUnprocessableEntity || attr(p.field(), "aria-invalid") != "true" || len(w.accounts.duties) != 0 || len(w.changes.said) != 0 {
			t.Errorf("%s: %d %v", path, rec.Code, w.accounts.duties)
		}
	}
}

func TestNameIsSetByTheOwner(t *testing.T) {
	w := accountWorld(t)
	parsed(t, "name", w.do(w.html(http.MethodGet, "/account/name", ""))).contains("Change your name")
	rec := w.do(w.html(http.MethodPost, "/account/name", form("value", "Ada King")))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/account?done=name" || !slices.Equal(w.changes.said, []string{"name Ada King"}) {
		t.Errorf("%d %v", rec.Code, w.changes.said)
	}
	if a := w.changes.actors[0]; a.User.ID != "usr_1" || a.Session != "ses_1" || a.Fresh {
		t.Errorf("%+v", a)
	}
	parsed(t, "done", w.do(w.html(http.MethodGet, "/account?done=name", ""))).contains("Your name is changed.")
}

func TestDisconnectEndsAllOfAnApplication(t *testing.T) {
	w := accountWorld(t)
	store := w.store.(*fakeStore)
	store.grants["grt_2"] = identity.Grant{ID: "grt_2", User: "usr_1", Session: "ses_2", Application: "spa"}
	store.grants["grt_3"] = identity.Grant{ID: "grt_3", User: "usr_1", Session: "ses_1", Application: "other"}
	store.grants["grt_4"] = identity.Grant{ID: "grt_4", User: "usr_2", Session: "ses_7", Application: "spa"}
	p := parsed(t, "ask", w.do(w.html(http.MethodGet, "/account/applications/demo", "")))
	if got := attr(p.elements("form")[0], "action"); got != "/account/applications/demo/revoke" {
		t.Errorf("posts to %s", got)
	}
	rec := w.do(w.html(http.MethodPost, "/account/applications/spa/revoke", ""))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/account?done=application" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	if want := []string{"revoke grt_1 revoked_by_user", "revoke grt_2 revoked_by_user"}; !slices.Equal(w.changes.said, want) {
		t.Errorf("%v", w.changes.said)
	}
}

// TestDoneSaysOnlyWhatIsKnown: the address may say anything.
func TestDoneSaysOnlyWhatIsKnown(t *testing.T) {
	w := accountWorld(t)
	for _, kind := range []string{"", "nonsense", "%3Cb%3E", "any", "enrol.x"} {
		p := parsed(t, kind, w.do(w.html(http.MethodGet, "/account?done="+kind, "")))
		for _, n := range p.elements("p") {
			if attr(n, "class") == "done" {
				t.Errorf("%s: %s", kind, text(n))
			}
		}
	}
}

// TestN64_NotMe: looking at the link does nothing, the button does it once.
func TestN64_NotMe(t *testing.T) {
	w := accountWorld(t)
	w.flows.current, w.accounts.account = nil, nil // it works for whoever lost the session
	p := parsed(t, "not-me", w.do(w.html(http.MethodGet, "/account/not-me?token=abc", "")))
	p.contains("Was it not you?", "Every browser is signed out", "Nothing happens until you press the button.")
	if len(w.accounts.tokens) != 0 || !slices.Equal(w.accounts.looked, []string{"abc"}) {
		t.Fatalf("%v %v", w.accounts.tokens, w.accounts.looked)
	}
	token := within(p.elements("form")[0], named("token"))
	rec := w.do(w.html(http.MethodPost, "/account/not-me", form("token", attr(token, "value"))))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/account/not-me/done" || !slices.Equal(w.accounts.tokens, []string{"abc"}) {
		t.Errorf("%d %v", rec.Code, w.accounts.tokens)
	}
	if set := rec.Header().Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-ia_session=;") {
		t.Errorf("cookie %q", set)
	}
	parsed(t, "done", w.do(w.html(http.MethodGet, "/account/not-me/done", ""))).contains("Your sign-in is protected", "What to do next")
	for err, want := range map[error]int{identity.ErrNotFound: 404, identity.ErrTaken: 410, identity.ErrExpired: 410} {
		w.accounts.err = err
		for _, r := range []*http.Request{w.html(http.MethodGet, "/account/not-me?token=abc", ""), w.html(http.MethodPost, "/account/not-me", form("token", "abc"))} {
			rec := w.do(r)
			parsed(t, "gone", rec).contains("This link can’t be used any more")
			if rec.Code != want || rec.Header().Get("Set-Cookie") != "" {
				t.Errorf("%v: %d", err, rec.Code)
			}
		}
	}
}

func TestInvitationIsTakenByAButton(t *testing.T) {
	w := accountWorld(t)
	p := parsed(t, "join", w.do(w.html(http.MethodGet, "/join?token=inv", "")))
	p.contains("Join Acme", "Accept the invitation", "The invitation works once.")
	if len(w.accounts.tokens)+len(w.accounts.looked) != 0 {
		t.Fatal("looking took it")
	}
	rec := w.do(w.html(http.MethodPost, "/join", form("token", "inv")))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/flow/flow_9" || w.accounts.tokens[0] != "inv" || w.accounts.browsers[0].Binding == "" {
		t.Errorf("%d %v", rec.Code, w.accounts.tokens)
	}
	for err, want := range map[error]int{identity.ErrNotFound: 404, identity.ErrTaken: 410, identity.ErrExpired: 410, errors.New("x"): 500} {
		w.accounts.err = err
		if rec := w.do(w.html(http.MethodPost, "/join", form("token", "inv"))); rec.Code != want {
			t.Errorf("%v: %d", err, rec.Code)
		}
	}
}

func TestW28_WellKnown(t *testing.T) {
	w := newWorld(t)
	w.tenant.RelatedOrigins = []string{"https://app.acme.example"}
	for path, want := range map[string]string{
		"webauthn":          `{"origins":["https://id.acme.example","https://app.acme.example"]}`,
		"passkey-endpoints": `{"enroll":"https://id.acme.example/account#add","manage":"https://id.acme.example/account"}`,
	} {
		rec := w.do(w.html(http.MethodGet, "/.well-known/"+path, ""))
		if rec.Code != 200 || rec.Body.String() != want || rec.Header().Get("Content-Type") != "application/json" || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s %s", path, rec.Code, rec.Header().Get("Content-Type"), rec.Body)
		}
	}
	if rec := w.do(w.html(http.MethodGet, "/.well-known/change-password", "")); rec.Code != 303 || rec.Header().Get("Location") != "/account/password" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	for path, mine := range map[string]bool{
		"/.well-known/webauthn": true, "/.well-known/change-password": true, "/.well-known/passkey-endpoints": true,
		"/.well-known/openid-configuration": false, "/.well-known/webauthn/x": false, "/account": false,
	} {
		if WellKnown(path) != mine {
			t.Errorf("%s: %t", path, !mine)
		}
	}
}

// TestH28_EveryPostOfAPage is refused from elsewhere, in another shape, and
// with nothing to show for it.
func TestH28_EveryPostOfAPage(t *testing.T) {
	paths := []string{"/account/name", "/account/applications/spa/revoke", "/account/not-me", "/join"}
	for _, change := range own() {
		paths = append(paths, change.path)
	}
	if want := len(changes()) + 5; len(paths) != want {
		t.Errorf("%d routes are tried, there are %d", len(paths), want)
	}
	for _, path := range paths {
		for name, test := range map[string]struct {
			change func(*http.Request)
			want   int
		}{
			"cross-site": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
			"same-site":  {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
			"origin":     {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }, 403},
			"text":       {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
			"JSON":       {func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 415},
			"twice":      {func(r *http.Request) { r.Body = body("value=a&value=b&token=x") }, 400},
			"GET":        {func(r *http.Request) { r.Method = http.MethodGet }, 0},
		} {
			w := accountWorld(t)
			r := w.html(http.MethodPost, path, form("value", "x", "token", "x"))
			test.change(r)
			rec := w.do(r)
			if test.want != 0 && rec.Code != test.want {
				t.Errorf("%s, %s: %d, want %d", path, name, rec.Code, test.want)
			}
			if len(w.accounts.duties)+len(w.accounts.tokens)+len(w.changes.actors) != 0 {
				t.Errorf("%s, %s: something was done", path, name)
			}
		}
	}
}

func TestDeviceNames(t *testing.T) {
	for ua, want := range map[string]string{
		firefox: "Firefox · Linux", iphone: "Safari · iPhone", chrome: "Chrome · Windows", "": "", "<script>": "",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15":                      "Safari · macOS",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                      "Chrome · Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":              "Edge · Windows",
		"Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": "Samsung Internet · Android",
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1":              "Chrome · iPad",
		"curl/8.14.1": "curl", "Mozilla/5.0 (X11; Linux x86_64)": "Linux",
	} {
		if got := deviceName(ua); got != want {
			t.Errorf("%s: %q, want %q", ua, got, want)
		}
	}
}

func TestSignInIsToldAsAWhole(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []identity.Event{
		{ID: "1", Type: identity.EventSignIn, Flow: "flow_1", At: at},
		{ID: "2", Type: identity.EventFactorProved, Flow: "flow_1"},
		{ID: "3", Type: identity.EventFactorFailed, Flow: "flow_1"},
		{ID: "4", Type: identity.EventFactorProved, Flow: "flow_2"}, // never finished
		{ID: "5", Type: identity.EventFactorChallenged, Flow: "flow_2"},
		{ID: "6", Type: identity.EventSessionEnded},
	}
	var got []string
	for _, e := range told(all) {
		got = append(got, e.ID)
	}
	if !slices.Equal(got, []string{"1", "3", "4", "6"}) || len(all) != 6 || all[1].ID != "2" {
		t.Errorf("%v", got)
	}
}

// TestARefusalIsToldWhereItWasAsked: what the engine will not begin is said on
// the page that asked, with what was typed.
func TestARefusalIsToldWhereItWasAsked(t *testing.T) {
	for _, test := range []struct {
		path, value string
		err         error
		says        string
	}{
		{"/account/email", "ada@@new", identity.Invalid("address_invalid", "x"), "No message can go to this e-mail address."},
		{"/account/rename/enr_2", "Work laptop", identity.Invalid("name_in_use", "x"), "Something of yours has this name already."},
		{"/account/remove/enr_2", "", identity.Forbidden("last_required_factor", "x"), "Please add another one first."},
		{"/account/password", "", identity.Forbidden("frozen", "x"), "To protect you, nothing can be changed"},
		{"/account/add", "", identity.Invalid("factor_unavailable", "x"), "That did not work."},
		{"/account/phone", "+44 7700 900123", &identity.Fault{Kind: identity.ErrOverloaded, Code: "send_limited", Retry: time.Minute}, "A new code can be sent in 60 seconds."},
		{"/account/name", "x", identity.Invalid("name_invalid", "x"), "Please enter a name."},
	} {
		w := accountWorld(t)
		w.accounts.err, w.changes.err = test.err, test.err
		body := ""
		if test.value != "" {
			body = form("value", test.value)
		}
		rec := w.do(w.html(http.MethodPost, test.path, body))
		p := parsed(t, test.path, rec)
		p.contains(test.says)
		p.checkShell()
		if rec.Code != http.StatusUnprocessableEntity || test.value != "" && attr(p.field(), "value") != test.value {
			t.Errorf("%s: %d", test.path, rec.Code)
		}
	}
}
