package web

import (
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/messages"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// flowPage is one step of a flow as a person sees it. One template serves every
// step and every factor: what differs is data.
type flowPage struct {
	shell
	Action  string // own address, which every form posts to
	Purpose string // whom the sign-in is for
	Heading string
	Lead    []string
	User    *who
	Why     *why
	Alert   string // what is wrong, where it is no single field's
	Status  string // what happened, such as that a code was sent
	Wants   string // over the scopes
	Scopes  []string
	Main    *mainForm
	Else    *mainForm // beside going on as who is signed in: signing in as someone else
	Others  *others
	Skip    string
	SkipBy  string
	Resend  string
	Cancel  string
}

// who is the person that signs in.
type who struct {
	Label, Initial string
	Parts          []string // the name, parted where it may be broken
	NotYou         string   // "" where it is too late to change
}

type why struct {
	Title   string
	Reasons []string
}

// mainForm answers the current prompt.
type mainForm struct {
	Title    string // over a second form, which is quieter
	Prompt   string // its id
	Value    string // a fixed value, where there is nothing to type
	Username string // hidden, for password managers
	Fields   []field
	Setup    *setup
	Codes    *codes
	Script   string // what to say where the prompt needs a script
	Submit   string
}

// With is the form at the address that it posts to, for the template.
func (f *mainForm) With(action string) struct {
	Action string
	Form   *mainForm
} {
	return struct {
		Action string
		Form   *mainForm
	}{action, f}
}

// field is one thing to type.
type field struct {
	ID, Name, Label, Hint, Error string
	Type, Autocomplete           string
	InputMode, Pattern, Value    string
	MaxLength                    int
	Code                         bool // shown wide and even
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

type codes struct {
	Title string
	List  []string
}

// others are further ways to answer.
type others struct {
	Title   string
	Choices []choice
}

type choice struct{ Value, Text, Name string }

// flowPage words a view. It decides nothing: what may be done is in the view.
func (p *Pages) flowPage(v visit, view flow.View) flowPage {
	places := []string{"application", v.applicationName(view.Application.Name), "tenant", v.tenantName()}
	page := flowPage{Action: "/flow/" + view.ID, Cancel: v.Text(messages.StepCancel)}
	page.User = v.who(view)
	page.Why = v.why(view, places)
	switch view.Step {
	case flow.Identify:
		v.identify(&page, view, places)
	case flow.Consent:
		v.consent(&page, view, places)
	case flow.Denied:
		page.Heading, page.Lead = v.Text(messages.DeniedTitle), []string{v.Text(messages.DeniedLead)}
	case flow.Done:
		page.Heading, page.Lead = v.Text(messages.ReturnTitle, places...), []string{v.Text(messages.ReturnLead)}
		page.Main = &mainForm{Submit: v.Text(messages.ReturnSubmit)}
		page.Cancel = ""
	default:
		v.prove(&page, view, places)
	}
	v.fail(&page, view)
	page.shell = p.shell(v, page.Heading, view.Error != nil)
	page.Wide = page.Main != nil && page.Main.Setup != nil && page.Main.Setup.QR != ""
	return page
}

// who shows the person, once somebody is named.
func (v visit) who(view flow.View) *who {
	if view.Step == flow.Identify || view.Step == flow.Done || view.Step == flow.Denied {
		return nil
	}
	person := v.person(view.User)
	if person != nil {
		person.Label, person.NotYou = v.Text(messages.StepUser), v.Text(messages.StepNotYou)
	}
	return person
}

// person shows somebody by name; nil for nobody.
func (v visit) person(name string) *who {
	name = messages.Clean(name)
	if name == "" {
		return nil
	}
	return &who{Label: v.Text(messages.PersonLabel), Parts: parts(name), Initial: initial(name)}
}

// parts parts an address before its last @, where a narrow page may break it.
func parts(name string) []string {
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		return []string{name[:at], name[at:]}
	}
	return []string{name}
}

// initial is the first letter of a name, for the mark beside it.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return ""
}

// why words the reasons for a step beyond the first.
func (v visit) why(view flow.View, places []string) *why {
	if view.Step == flow.Identify || view.Step == flow.Done || view.Step == flow.Denied {
		return nil
	}
	out := &why{Title: v.Text(messages.StepReasons)}
	for _, reason := range view.Reasons {
		if reason == policy.InGrace {
			continue // said beside the button that puts it off
		}
		if text, ok := v.Reason(string(reason), places...); ok {
			out.Reasons = append(out.Reasons, text)
		}
	}
	if len(out.Reasons) == 0 {
		return nil
	}
	return out
}

func (v visit) purpose(view flow.View, places []string) string {
	if view.Purpose == "manage" {
		return v.Text(messages.StepManage, places...)
	}
	return v.Text(messages.StepFor, places...)
}

func (v visit) identify(page *flowPage, view flow.View, places []string) {
	words := v.Prompt("identifier", places...)
	page.Heading, page.Purpose = words.Title, v.purpose(view, places)
	for _, prompt := range view.Prompts {
		if prompt.Offer {
			// Somebody is signed in here: go on as them, or as someone else.
			known := v.Prompt(prompt.Factor, places...)
			page.Heading, page.User = known.Title, v.person(prompt.Name)
			page.Main = &mainForm{Prompt: prompt.ID, Submit: known.Choose}
			continue
		}
		form := &mainForm{Prompt: prompt.ID, Submit: words.Submit, Fields: []field{v.field(prompt, words)}}
		form.Fields[0].Value, form.Fields[0].Focus = messages.Clean(view.User), page.Main == nil
		if page.Main == nil {
			page.Main = form
		} else {
			form.Title, page.Else = v.Text(messages.SessionOther), form
		}
	}
}

func (v visit) consent(page *flowPage, view flow.View, places []string) {
	words := v.Prompt("consent", places...)
	page.Heading = words.Title
	page.Wants = v.Text(messages.ConsentLead, places...)
	for _, scope := range view.Scopes {
		if text, ok := v.Scope(scope); ok {
			page.Scopes = append(page.Scopes, text)
		}
	}
	if len(view.Prompts) > 0 {
		page.Main = &mainForm{Prompt: view.Prompts[0].ID, Value: "allow", Submit: words.Submit}
	}
	page.Cancel = v.Text(messages.ConsentDeny)
}

// prove words the steps that a factor answers: proving and enrolling.
func (v visit) prove(page *flowPage, view flow.View, places []string) {
	page.Purpose = v.purpose(view, places)
	var rest []flow.ViewPrompt
	for _, prompt := range view.Prompts {
		if page.Main == nil && !prompt.Offer {
			v.current(page, view, prompt, places)
			continue
		}
		rest = append(rest, prompt)
	}
	switch {
	case page.Main != nil:
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
			page.SkipBy = v.Text(messages.StepSkipBy, "moment", v.Moment(view.GraceUntil.UTC()))
		}
	}
}

// current words the prompt that is to be answered now.
func (v visit) current(page *flowPage, view flow.View, prompt flow.ViewPrompt, places []string) {
	words := v.Prompt(prompt.Factor, places...)
	if prompt.Enrolling {
		words = v.Enrolment(prompt.Factor, places...)
	}
	page.Heading = words.Title
	if words.Lead != "" {
		page.Lead = append(page.Lead, words.Lead)
	}
	page.Main = &mainForm{Prompt: prompt.ID, Submit: words.Submit}
	if prompt.Concealed {
		page.Main.Username = messages.Clean(view.User)
	}
	if prompt.Input == factor.PublicKey {
		page.Main.Script = v.Text(messages.StepScript)
		page.Main.Submit = ""
	}
	if prompt.Input == factor.Text {
		page.Main.Fields = []field{v.field(prompt, words)}
	}
	if prompt.SentTo != "" {
		page.Status = v.Text(messages.StepSentTo, "address", prompt.SentTo)
		page.Resend = v.Text(messages.StepResend)
	}
	if page.Main.Setup = v.setup(prompt); page.Main.Setup != nil && len(page.Main.Fields) > 0 {
		page.Main.Fields[0].Focus = false // the picture comes first, and must not scroll away
	}
	if len(prompt.Codes) > 0 {
		page.Main.Codes = &codes{Title: v.Text(messages.EnrolCodes), List: prompt.Codes}
	}
}

// field makes the one field of a text prompt.
func (v visit) field(prompt flow.ViewPrompt, words messages.PromptWords) field {
	f := field{
		ID: "answer", Name: "value", Label: words.Label, Hint: words.Hint, Type: "text", Focus: true,
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

// others lists what else could be chosen, each with the name its owner gave it.
func (v visit) others(prompts []flow.ViewPrompt, besides bool) *others {
	out := &others{}
	if besides {
		out.Title = v.Text(messages.StepOthers)
	}
	for _, prompt := range prompts {
		words := v.Prompt(prompt.Factor)
		if prompt.Enrolling {
			words = v.Enrolment(prompt.Factor)
		}
		out.Choices = append(out.Choices, choice{Value: prompt.ID, Text: words.Choose, Name: messages.Clean(prompt.Name)})
	}
	return out
}

// fail says what was wrong, at the field where there is one.
func (v visit) fail(page *flowPage, view flow.View) {
	if view.Error == nil {
		return
	}
	text := v.errorText(view.Error)
	for _, form := range []*mainForm{page.Main, page.Else} {
		if form != nil && len(form.Fields) > 0 {
			form.Fields[0].Error = text
			return
		}
	}
	page.Alert = text
}

func (v visit) errorText(e *flow.ViewError) string {
	return v.Error(e.Code, e.Args, time.Duration(e.RetryAfter)*time.Second)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
