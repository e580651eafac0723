package web

import (
	"strconv"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// offerPrefix begins the id of an offer of another way to answer. An offer
// without it is no answer but a way aside: a secret was forgotten, or nobody
// is known here yet.
const offerPrefix = "offer:"

// others are further ways to answer.
type others struct {
	Title   string
	Choices []choice
}

// choice is one of them. Where it has fields they are given with it.
type choice struct {
	Value, Text, Name string
	Fields            []field
	Open              bool
	Submit            string
}

// others lists what else could be chosen, each with the name its owner gave it.
func (v visit) others(prompts []flow.ViewPrompt, besides bool) *others {
	out := &others{}
	if besides {
		out.Title = v.Text(messages.StepOthers)
	}
	for i, prompt := range prompts {
		words := v.wordsOf(prompt, nil)
		out.Choices = append(out.Choices, choice{
			Value: prompt.ID, Text: words.Choose, Name: messages.Clean(prompt.Name),
			Fields: v.asked("offer"+strconv.Itoa(i)+"-", prompt.Fields), Submit: words.Submit,
		})
	}
	return out
}

// ask makes the only offer there is the form of the page, where it has fields.
func (v visit) ask(page *flowPage, prompt flow.ViewPrompt, places []string) {
	words := v.wordsOf(prompt, places)
	page.Heading = words.Title
	if words.Lead != "" {
		page.Lead = append(page.Lead, words.Lead)
	}
	page.Main = &mainForm{Choose: prompt.ID, Fields: v.asked("asked-", prompt.Fields), Submit: v.Text(messages.EnrolBegin)}
	page.Main.Fields[0].Focus = true
}

// asked makes the fields that setting something up asks for.
func (v visit) asked(prefix string, fields []factor.Field) []field {
	var out []field
	for _, f := range fields {
		made := field{
			ID: prefix + f.Name, Name: fieldAsked + f.Name, Label: v.Field(f.Name), Hint: v.FieldHint(f.Name), Type: "text",
			Autocomplete: f.Autocomplete, InputMode: f.InputMode, MaxLength: 254,
		}
		if made.Autocomplete == "" {
			made.Autocomplete = "off"
		}
		out = append(out, made)
	}
	return out
}
