package web

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Names of the fields of a flow's form.
const (
	fieldPrompt = "prompt"    // which prompt is answered
	fieldValue  = "value"     // the answer
	fieldChoose = "choose"    // the prompt to switch to
	fieldAction = "action"    // cancel, restart, skip, resend or extend
	fieldAsked  = "field."    // before the name of what setting up a factor asks
	fieldKey    = "publicKey" // WebAuthn JSON
	fieldMakes  = "upgrade"   // 1: this browser makes passkeys by itself (conditional create)
)

// readPost reads a response to a flow, from a form or from JSON.
func readPost(r *http.Request) (flow.Post, error) {
	if isJSON(r) {
		return readPostJSON(r)
	}
	form, err := edge.Form(r)
	if err != nil {
		return flow.Post{}, err
	}
	return postOfForm(form)
}

// postOfForm reads the fields that our own pages send. Others (a password
// manager's username field) are passed over.
func postOfForm(form url.Values) (flow.Post, error) {
	if _, repeated := edge.Repeated(form); repeated {
		return flow.Post{}, identity.Invalid("invalid_request", "A field of the form came twice.")
	}
	post := flow.Post{Prompt: form.Get(fieldPrompt), Value: form.Get(fieldValue), Choose: form.Get(fieldChoose)}
	if key := form.Get(fieldKey); key != "" {
		if !json.Valid([]byte(key)) {
			return flow.Post{}, identity.Invalid("invalid_request", "The field publicKey is not JSON.")
		}
		post.PublicKey = json.RawMessage(key)
	}
	for name := range form {
		if asked, ok := strings.CutPrefix(name, fieldAsked); ok {
			if post.Fields == nil {
				post.Fields = map[string]string{}
			}
			post.Fields[asked] = form.Get(name)
		}
	}
	post.Upgrade = form.Get(fieldMakes) == "1"
	switch form.Get(fieldAction) {
	case "":
	case "cancel":
		post.Cancel = true
	case "restart":
		post.Restart = true
	case "skip":
		post.Skip = true
	case "resend":
		post.Resend = true
	case "extend":
		post.Extend = true
	default:
		return flow.Post{}, identity.Invalid("invalid_request", "There is no such action.")
	}
	return post, nil
}

// responseBody is the response member of a JSON post, except a WebAuthn one.
type responseBody struct {
	Value   string            `json:"value"`
	Choose  string            `json:"choose"`
	Fields  map[string]string `json:"fields"`
	Cancel  bool              `json:"cancel"`
	Restart bool              `json:"restart"`
	Skip    bool              `json:"skip"`
	Resend  bool              `json:"resend"`
	Upgrade bool              `json:"upgrade"`
	Extend  bool              `json:"extend"`
}

func readPostJSON(r *http.Request) (flow.Post, error) {
	var body struct {
		Prompt   string            `json:"prompt"`
		Response json.RawMessage   `json:"response"`
		Fields   map[string]string `json:"fields"` // beside a WebAuthn credential, which has no room for them
	}
	if err := edge.DecodeJSON(r, &body); err != nil {
		return flow.Post{}, err
	}
	post := flow.Post{Prompt: body.Prompt, Fields: body.Fields}
	if len(body.Response) == 0 {
		return flow.Post{}, identity.Invalid("invalid_request", "The member response is missing.")
	}
	if publicKeyCredential(body.Response) {
		post.PublicKey = body.Response
		return post, nil
	}
	var response responseBody
	dec := json.NewDecoder(bytes.NewReader(body.Response))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&response); err != nil {
		return flow.Post{}, identity.Invalid("invalid_request", "The member response is malformed.")
	}
	if body.Fields != nil {
		return flow.Post{}, identity.Invalid("invalid_request", "The member fields belongs into response.")
	}
	post.Value, post.Choose, post.Fields = response.Value, response.Choose, response.Fields
	post.Cancel, post.Restart, post.Skip, post.Resend = response.Cancel, response.Restart, response.Skip, response.Resend
	post.Upgrade, post.Extend = response.Upgrade, response.Extend
	return post, nil
}

// publicKeyCredential reports whether JSON is a WebAuthn credential (Level 3,
// 5.1): an object of type public-key.
func publicKeyCredential(raw json.RawMessage) bool {
	var probe struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(raw, &probe) == nil && probe.Type == "public-key"
}

func isJSON(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == "application/json"
}
