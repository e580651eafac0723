package web

import (
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
	Asked   *asked
	Heading string
	Lead    []string
	User    *who
	Why     *why
	Alert   string // what is wrong, where it is no single field's
	Status  string // what happened, such as that a code was sent
	Look    string // where to look for what was sent
	Wants   string // over the scopes
	Scopes  []string
	Main    *mainForm
	Else    *mainForm // beside going on as who is signed in: signing in as someone else
	Besides []*mainForm
	Asides  []choice // quiet ways out of the way, such as having forgotten something
	Others  *others
	Skip    string
	SkipBy  stamp
	Left    string // of the time until then
	Resend  string
	Cancel  string
	Ends    *ending
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

// asked is why the application asks, in its own words.
type asked struct{ By, Words string }

// mainForm answers a prompt.
type mainForm struct {
	Title    string // over a second form, which is quieter
	Quiet    bool   // it is not what most come for
	Prompt   string // its id
	Choose   string // or what is chosen by giving its fields
	Value    string // a fixed value, where there is nothing to type
	Username string // hidden, for password managers
	Upgrade  bool   // the script tells whether this browser makes passkeys by itself
	Fields   []field
	Setup    *setup
	Codes    *codes
	Ceremony *ceremony
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

// flowPage words a view. It decides nothing: what may be done is in the view.
// typed is what was answered and refused, so that it need not be typed again.
func (p *Pages) flowPage(v visit, view flow.View, typed flow.Post) flowPage {
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
	if words := messages.Clean(view.Asked); words != "" && view.Step != flow.Done && view.Step != flow.Denied {
		page.Asked = &asked{By: v.Text(messages.StepAsked, places...), Words: words}
	}
	v.refill(&page, typed)
	v.fail(&page, view, typed)
	page.shell = p.shell(v, page.Heading, view.Error != nil)
	if view.Error != nil {
		page.Failed, page.RPID = view.Error.Code, v.tenant.RPID
	}
	page.Scripts = append(page.Scripts, p.assets.path("webauthn.js"))
	if page.Main != nil && page.Main.Setup != nil && page.Main.Setup.QR != "" {
		page.Kind = kindWide
	}
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

// purpose says over the heading what all this is for: the change that the flow
// will make, or where it leads.
func (v visit) purpose(view flow.View, places []string) string {
	if view.Duty != nil {
		return v.Duty(string(view.Duty.Kind), "factor", v.dutyFactor(view.Duty), "name", view.Duty.Name)
	}
	return v.Purpose(view.Purpose, places...)
}

func (v visit) dutyFactor(d *flow.Duty) string {
	if d.Factor == "" {
		return ""
	}
	return v.Factor(d.Factor)
}

// identify asks who is there. What the flow is for has its own words where the
// catalogue knows it: registering is not signing in.
func (v visit) identify(page *flowPage, view flow.View, places []string) {
	words := v.Prompt("identifier", places...)
	if own := v.Prompt(view.Purpose, places...); view.Purpose != "" && own.Title != v.Prompt("").Title {
		words = own
	}
	page.Heading, page.Purpose = words.Title, v.purpose(view, places)
	if words.Lead != "" {
		page.Lead = append(page.Lead, words.Lead)
	}
	for _, prompt := range view.Prompts {
		switch {
		case prompt.ID == "session":
			// Somebody is signed in here: go on as them, or as someone else.
			known := v.Prompt(prompt.Factor, places...)
			page.Heading, page.User = known.Title, v.person(prompt.Name)
			page.Main = &mainForm{Prompt: prompt.ID, Submit: known.Choose}
		case prompt.Offer:
			page.Asides = append(page.Asides, choice{Value: prompt.ID, Text: v.Prompt(prompt.Factor, places...).Choose})
		case prompt.Input == factor.PublicKey:
			form := v.answering(view, prompt, v.Prompt(prompt.Factor, places...))
			form.Quiet = true
			page.Besides = append(page.Besides, form)
		default:
			v.name(page, view, prompt, words)
		}
	}
}

// name asks for a name: as the way on, or beside going on as who is signed in.
func (v visit) name(page *flowPage, view flow.View, prompt flow.ViewPrompt, words messages.PromptWords) {
	form := &mainForm{Prompt: prompt.ID, Submit: words.Submit, Fields: []field{v.field(prompt, words)}}
	form.Fields[0].Value, form.Fields[0].Focus = messages.Clean(view.User), page.Main == nil
	if page.Main == nil {
		page.Main = form
		return
	}
	form.Quiet, form.Title, page.Else = true, v.Text(messages.SessionOther), form
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

// refill puts back what was typed before, save secrets.
func (v visit) refill(page *flowPage, typed flow.Post) {
	give := func(f *field) {
		if asked, ok := strings.CutPrefix(f.Name, fieldAsked); ok && typed.Fields[asked] != "" {
			f.Value = messages.Clean(typed.Fields[asked])
		}
	}
	if page.Main != nil {
		for i := range page.Main.Fields {
			give(&page.Main.Fields[i])
		}
	}
	if page.Others == nil {
		return
	}
	for i, c := range page.Others.Choices {
		if c.Value == typed.Choose && typed.Choose != "" {
			page.Others.Choices[i].Open = true
			for j := range c.Fields {
				give(&c.Fields[j])
			}
		}
	}
}

// fail says what was wrong, at the field where there is one.
func (v visit) fail(page *flowPage, view flow.View, typed flow.Post) {
	if view.Error == nil {
		return
	}
	text := v.errorText(view.Error)
	if f := page.answered(typed); f != nil {
		f.Error = text
		return
	}
	page.Alert = text
}

// answered is the field whose answer was refused; nil where it was none.
func (page *flowPage) answered(typed flow.Post) *field {
	if typed.PublicKey != nil {
		return nil
	}
	if page.Others != nil {
		for _, c := range page.Others.Choices {
			if c.Open && len(c.Fields) > 0 {
				return &c.Fields[0]
			}
		}
	}
	for _, form := range []*mainForm{page.Main, page.Else} {
		if form != nil && len(form.Fields) > 0 && form.Ceremony == nil {
			return &form.Fields[0]
		}
	}
	return nil
}

func (v visit) errorText(e *flow.ViewError) string {
	return v.Error(e.Code, e.Args, time.Duration(e.RetryAfter)*time.Second)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
