package web

import (
	"encoding/json"
	"html/template"
	"strings"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// keptValue is what a person answers who has kept what was shown to be kept.
const keptValue = "kept"

// field is one thing to type.
type field struct {
	ID, Name, Label, Hint, Error string
	Type, Autocomplete           string
	InputMode, Pattern, Value    string
	MaxLength                    int
	Code                         bool // shown wide and even
	Optional                     bool
	Focus                        bool
	Reveal                       string // label of the button that shows what is typed
}

// Described names the elements that describe the field.
func (f field) Described() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.ID+"-error")
	}
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// setup is what an authenticator needs to be set up with.
type setup struct {
	Scan, Alt        string
	QR               template.HTML // checked by pictureOf
	Open             string
	URI              template.URL // checked to be otpauth:
	Manual, KeyLabel string
	Secret           []string // in groups
	Copy, Copied     string
	CopyValue        string
}

// codes are shown once, to be kept. Copying and printing need the script.
type codes struct {
	Title, Once                   string
	List                          []string
	Copy, Copied, Print, Download string
	CopyValue, File, FileText     string
}

// ceremony is what the script asks the browser's authenticators (WebAuthn Level
// 3). Without the script nothing of it can be done, and the page says so.
type ceremony struct {
	Verb      string // "get" or "create"
	Mediation string // "conditional", or "" for a button
	Options   string // JSON
	Words     string // JSON: what to say when it fails, by reason
	Button    string
	Note      string // where there is no script
	Focus     bool
}

// prove words the steps that a factor answers: proving and enrolling.
func (v visit) prove(page *flowPage, view flow.View, places []string) {
	page.Purpose = v.purpose(view, places)
	var rest []flow.ViewPrompt
	for _, prompt := range view.Prompts {
		switch {
		case page.Main == nil && !prompt.Offer:
			v.current(page, view, prompt, places)
		case !prompt.Offer && prompt.Input == factor.PublicKey:
			form := v.answering(view, prompt, v.wordsOf(prompt, places))
			form.Quiet = true
			page.Besides = append(page.Besides, form)
		case prompt.Offer && !strings.HasPrefix(prompt.ID, offerPrefix):
			page.Asides = append(page.Asides, choice{Value: prompt.ID, Text: v.wordsOf(prompt, places).Choose})
		default:
			rest = append(rest, prompt)
		}
	}
	if page.Main == nil && len(rest) == 1 && len(rest[0].Fields) > 0 {
		v.ask(page, rest[0], places)
		rest = nil
	}
	switch {
	case page.Main != nil:
	case view.Step == flow.Enrol && view.Skippable && len(view.Reasons) == 0:
		page.Heading = v.Text(messages.EnrolSecond) // nobody asks for it: it is suggested
	case view.Step == flow.Enrol && (view.Purpose == "register" || view.Purpose == "join"):
		page.Heading = v.Text(messages.EnrolFirst)
	case view.Step == flow.Enrol:
		page.Heading = v.Text(messages.EnrolChoose)
	default:
		page.Heading = v.Prompt("").Title
	}
	if page.Main == nil && len(rest) == 0 {
		page.Lead = append(page.Lead, v.Text(messages.StepNothing))
	}
	if len(rest) > 0 {
		page.Others = v.others(rest, page.Main != nil)
	}
	if view.Skippable {
		page.Skip = v.Text(messages.StepSkip)
		if !view.GraceUntil.IsZero() {
			page.SkipBy, page.Left = v.stamp(messages.StepSkipBy, view.GraceUntil), v.left(view.GraceUntil)
		}
	}
}

func (v visit) wordsOf(prompt flow.ViewPrompt, places []string) messages.PromptWords {
	switch {
	case silent(prompt):
		return messages.PromptWords{Title: v.Text(messages.UpgradeTitle), Lead: v.Text(messages.UpgradeLead), Submit: v.Enrolment(prompt.Factor).Submit}
	case prompt.Enrolling:
		return v.Enrolment(prompt.Factor, places...)
	case prompt.SelfTest:
		return messages.PromptWords{
			Title: v.Text(messages.StepTry), Lead: v.Text(messages.StepTryLead),
			Submit: v.Text(messages.StepTrySubmit), Label: v.Prompt(prompt.Factor).Label,
		}
	}
	return v.Prompt(prompt.Factor, places...)
}

// silent reports whether the script is to set something up without a question.
func silent(p flow.ViewPrompt) bool { return p.Enrolling && !p.Offer && p.Mediation != "" }

// current words the prompt that is to be answered now.
func (v visit) current(page *flowPage, view flow.View, prompt flow.ViewPrompt, places []string) {
	words := v.wordsOf(prompt, places)
	page.Heading = words.Title
	if words.Lead != "" {
		page.Lead = append(page.Lead, words.Lead)
	}
	page.Main = v.answering(view, prompt, words)
	if len(prompt.Codes) > 0 && (view.Duty == nil || view.Duty.Factor != prompt.Factor) {
		page.Lead = append(page.Lead, v.Text(messages.EnrolAfter)) // nobody came for them
		page.Cancel = ""                                           // what was set up is set up: to leave now would only lose the sign-in
	}
	if prompt.SentTo != "" {
		page.Status = v.Text(v.sent(view), "address", prompt.SentTo)
	}
	if prompt.Resend {
		page.Resend = v.Text(messages.StepResend)
		if strings.Contains(prompt.SentTo, "@") { // a text message has no such folder
			page.Look = v.Text(messages.StepSpam)
		}
	}
}

// sent chooses how to say that a code was sent. Where somebody forgot a secret
// it is not said whether anybody is known by the address.
func (v visit) sent(view flow.View) messages.Key {
	switch {
	case view.Purpose == "reset":
		return messages.StepSentIf
	case v.r.URL.Query().Has(queryResent):
		return messages.StepSentAgain
	}
	return messages.StepSentTo
}

// answering makes the form of a prompt from what the prompt holds.
func (v visit) answering(view flow.View, prompt flow.ViewPrompt, words messages.PromptWords) *mainForm {
	form := &mainForm{Prompt: prompt.ID, Submit: words.Submit}
	if prompt.Concealed {
		form.Username, form.Upgrade = messages.Clean(view.User), !prompt.Enrolling
	}
	switch {
	case prompt.Input == factor.PublicKey:
		form.Ceremony, form.Submit = v.ceremony(view, prompt, words), ""
	case len(prompt.Codes) > 0:
		form.Codes, form.Value = v.codes(view, prompt), keptValue
	case prompt.Input == factor.Text:
		form.Fields = []field{v.field(prompt, words)}
	}
	if nameable(prompt) {
		form.Fields = append(form.Fields, v.naming())
	}
	if form.Setup = v.setup(prompt); form.Setup != nil && len(form.Fields) > 0 {
		form.Fields[0].Focus = false // the picture comes first, and must not scroll away
	}
	return form
}

// nameable reports whether what is set up is a thing that its owner tells from
// others by a name: not a secret, codes or an address, which go by themselves.
func nameable(p flow.ViewPrompt) bool {
	return p.Enrolling && p.Mediation == "" && !p.Concealed && len(p.Codes) == 0 && p.SentTo == ""
}

func (v visit) naming() field {
	return field{
		ID: "name", Name: fieldAsked + "name", Label: v.Field("name"), Hint: v.Text(messages.EnrolNameHint),
		Type: "text", Autocomplete: "off", MaxLength: 100, Optional: true,
	}
}

// ceremony prepares what the script does.
func (v visit) ceremony(view flow.View, prompt flow.ViewPrompt, words messages.PromptWords) *ceremony {
	c := &ceremony{
		Verb: "get", Mediation: prompt.Mediation, Options: string(prompt.PublicKey),
		Button: words.Submit, Note: v.Text(messages.StepScript), Focus: prompt.Mediation == "",
	}
	if prompt.Enrolling {
		c.Verb = "create"
	}
	if view.Prompts[0].ID != prompt.ID {
		c.Note = v.Text(messages.StepScriptFor, "factor", v.Factor(prompt.Factor)) // it is not the whole page that needs it
	}
	said := map[string]string{
		"NotAllowedError": v.Text(messages.ScriptCancelled), "SecurityError": v.Text(messages.ScriptOrigin),
		"NotSupportedError": v.Text(messages.ScriptUnable), "ConstraintError": v.Text(messages.ScriptUnable),
		"": v.Text(messages.ScriptFailed), "absent": v.Text(messages.ScriptAbsent), "waiting": v.Text(messages.ScriptWaiting),
	}
	if prompt.Enrolling {
		said["InvalidStateError"] = v.Text(messages.ScriptKnown)
	}
	if encoded, err := json.Marshal(said); err == nil { // strings always marshal
		c.Words = string(encoded)
	}
	return c
}

// codes shows codes that are to be kept, with what they are for in the file.
func (v visit) codes(view flow.View, prompt flow.ViewPrompt) *codes {
	lines := strings.Join(prompt.Codes, "\n")
	return &codes{
		Title: v.Text(messages.EnrolCodes), Once: v.Text(messages.EnrolOnce), List: prompt.Codes,
		Copy: v.Text(messages.EnrolCopy), Copied: v.Text(messages.EnrolCopied),
		Print: v.Text(messages.EnrolPrint), Download: v.Text(messages.EnrolDownload),
		CopyValue: lines, File: strings.NewReplacer(":", "-").Replace(v.tenant.Host()) + ".txt",
		FileText: strings.Join([]string{
			v.Text(messages.EnrolFileOf, "user", view.User, "tenant", v.tenantName()), v.tenant.Issuer,
			v.Text(messages.EnrolFileAt, "moment", v.Moment(v.now.UTC())), "", v.Text(messages.EnrolCodes), "", lines, "",
		}, "\n"),
	}
}

// field makes the one field of a text prompt.
func (v visit) field(prompt flow.ViewPrompt, words messages.PromptWords) field {
	f := field{
		ID: "answer", Name: fieldValue, Label: words.Label, Hint: words.Hint, Type: "text", Focus: true,
		Autocomplete: prompt.Autocomplete, InputMode: prompt.InputMode, Pattern: prompt.Pattern,
		MaxLength: prompt.MaxLength, Code: prompt.Autocomplete == "one-time-code",
	}
	if f.Autocomplete == "" {
		f.Autocomplete = "off"
	}
	if prompt.Concealed {
		f.Type, f.Reveal = "password", v.Text(messages.StepReveal)
	}
	return f
}

// setup shows what an authenticator is set up with. A picture or a link that is
// not what it should be is left out: the key says the same.
func (v visit) setup(prompt flow.ViewPrompt) *setup {
	if prompt.Secret == "" && prompt.QR == "" && prompt.URI == "" {
		return nil
	}
	s := &setup{
		Alt: v.Text(messages.EnrolQR), Manual: v.Text(messages.EnrolManual), KeyLabel: v.Text(messages.EnrolKey),
		Secret: strings.Fields(prompt.Secret), Copy: v.Text(messages.EnrolCopy), Copied: v.Text(messages.EnrolCopied),
	}
	s.CopyValue = strings.Join(s.Secret, "")
	if picture, ok := pictureOf(prompt.QR); ok {
		s.QR, s.Scan = picture, v.Text(messages.EnrolScan)
	}
	if strings.HasPrefix(prompt.URI, "otpauth://") {
		s.URI, s.Open = template.URL(prompt.URI), v.Text(messages.EnrolOpen)
	}
	return s
}
