// Command configdoc answers "what may be written in intelliauth.yaml?": it makes
// docs/guide/configuration.md from the structs that the file is read into, so
// that the two cannot disagree. `go generate ./cmd/intelliauth/...` runs it, and
// a test fails where that was forgotten.
package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

//go:embed head.md
var head string

//go:embed example.yaml
var example string

// output is where the reference goes, from the root of the repository.
const output = "docs/guide/configuration.md"

func main() {
	text, err := Reference("../../..")
	if err == nil {
		err = os.WriteFile(filepath.Join("../../..", output), []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "configdoc:", err)
		os.Exit(1)
	}
}

// section is one struct, and where its keys stand in the file.
type section struct{ path, title, file, name string }

func sections() []section {
	const file, policy = "cmd/intelliauth/config/config.go", "internal/policy/policy.go"
	return []section{
		{"", "The server", file, "File"},
		{"tls", "", file, "TLS"},
		{"log", "", file, "Log"},
		{"passkey_metadata", "", file, "Metadata"},
		{"geoip", "", file, "GeoIP"},
		{"geoip.lists", "", file, "NetworkLists"},
		{"tenants[]", "A tenant", file, "Tenant"},
		{"tenants[].branding", "", file, "Branding"},
		{"tenants[].attestation", "", file, "Attestation"},
		{"tenants[].mail", "", file, "Mail"},
		{"tenants[].sms", "", file, "SMS"},
		{"tenants[].sms.providers[]", "", file, "Provider"},
		{"tenants[].sms.providers[].twilio", "", file, "Twilio"},
		{"tenants[].sms.providers[].webhook", "", file, "Webhook"},
		{"tenants[].policy", "Its policy", policy, "Policy"},
		{"tenants[].policy.enrolment", "", policy, "Enrolment"},
		{"tenants[].policy.step_up[]", "", policy, "StepUp"},
		{"tenants[].policy.groups[]", "", "internal/policy/stricter.go", "GroupRule"},
		{"tenants[].policy.sessions", "", policy, "Sessions"},
		{"tenants[].policy.sessions.aal1, aal2, aal3", "", policy, "Limit"},
		{"tenants[].policy.risk", "", policy, "Risk"},
		{"tenants[].applications[]", "An application", file, "Application"},
		{"tenants[].applications[].reasons[]", "", file, "Reason"},
		{"stricter", "", "internal/policy/stricter.go", "Stricter"},
	}
}

// Reference makes the page. root is the root of the repository.
func Reference(root string) (string, error) {
	var b strings.Builder
	b.WriteString(strings.Replace(head, "{{example}}", strings.TrimSpace(example), 1))
	for _, s := range sections() {
		if s.title != "" {
			fmt.Fprintf(&b, "\n## %s\n", s.title)
		}
		fields, doc, err := fieldsOf(filepath.Join(root, s.file), s.name)
		if err != nil {
			return "", err
		}
		if s.path != "" {
			fmt.Fprintf(&b, "\n### `%s`\n", s.path)
		}
		fmt.Fprintf(&b, "\n%s\n\n| key | value | meaning | default |\n|---|---|---|---|\n", doc)
		for _, f := range fields {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.key, f.value, f.meaning, f.byDefault)
		}
	}
	return b.String(), nil
}

// field is one key of the file.
type field struct{ key, value, meaning, byDefault string }

// fieldsOf reads a struct's fields with their comments, and its own sentence.
func fieldsOf(path, name string) ([]field, string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return nil, "", err
	}
	for _, d := range parsed.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			typed, ok := spec.(*ast.TypeSpec)
			if !ok || typed.Name.Name != name {
				continue
			}
			body, ok := typed.Type.(*ast.StructType)
			if !ok {
				return nil, "", fmt.Errorf("%s: %s is no struct", path, name)
			}
			var fields []field
			for _, f := range body.Fields.List {
				one, err := fieldOf(f)
				if err != nil {
					return nil, "", fmt.Errorf("%s: %s: %w", path, name, err)
				}
				fields = append(fields, one)
			}
			return fields, sentence(name, general.Doc.Text()), nil
		}
	}
	return nil, "", fmt.Errorf("%s: no struct %s", path, name)
}

func fieldOf(f *ast.Field) (field, error) {
	if f.Tag == nil {
		return field{}, fmt.Errorf("field %v has no yaml tag", f.Names)
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return field{}, err
	}
	key := reflect.StructTag(tag).Get("yaml")
	comment := strings.Join(strings.Fields(f.Comment.Text()), " ")
	out := field{key: key, meaning: comment}
	if out.value, err = valueOf(f.Type); err != nil {
		return field{}, fmt.Errorf("%s: %w", key, err)
	}
	if m := regexp.MustCompile(`^(.*?) ?\[([^\[\]]*)\]$`).FindStringSubmatch(comment); m != nil {
		out.meaning, out.byDefault = m[1], m[2]
	}
	if before, ok := strings.CutSuffix(out.meaning, ". Required"); ok {
		out.meaning, out.byDefault = before, "**required**"
	}
	if key == "" || out.meaning == "" {
		return field{}, fmt.Errorf("%q needs a yaml key and a comment", key)
	}
	return out, nil
}

// valueOf says in words what a type takes.
func valueOf(t ast.Expr) (string, error) {
	switch t := t.(type) {
	case *ast.StarExpr:
		return valueOf(t.X)
	case *ast.ArrayType:
		inner, err := valueOf(t.Elt)
		return "list of " + strings.Replace(inner, "text", "texts", 1), err
	case *ast.SelectorExpr:
		return valueOf(t.Sel)
	case *ast.Ident:
		words := map[string]string{
			"string": "text", "bool": "true or false", "float64": "number", "int": "number", "Duration": "duration", "Level": "level",
			"Mode": "word", "Profile": "word", "Secret": "secret", "Network": "networks", "GeoIP": "[keys](#geoip)", "NetworkLists": "[keys](#geoiplists)",
			"TLS": "[keys](#tls)", "Metadata": "[keys](#passkey_metadata)", "Attestation": "[keys](#tenantsattestation)",
			"Mail": "[keys](#tenantsmail)", "SMS": "[keys](#tenantssms)", "Provider": "[keys](#tenantssmsproviders)",
			"Twilio": "[keys](#tenantssmsproviderstwilio)", "Webhook": "[keys](#tenantssmsproviderswebhook)", "Log": "[keys](#log)", "Branding": "[keys](#tenantsbranding)", "Policy": "[keys](#its-policy)",
			"Tenant": "[tenants](#a-tenant)", "Application": "[applications](#an-application)", "StepUp": "[keys](#tenantspolicystep_up)",
			"Reason": "[keys](#tenantsapplicationsreasons)", "GroupRule": "[keys](#tenantspolicygroups)", "Stricter": "[keys](#stricter)",
			"Enrolment": "[keys](#tenantspolicyenrolment)", "FirstFactor": "word", "Registration": "word", "Bound": "word",
			"Sessions": "[keys](#tenantspolicysessions)", "Limit": "[keys](#tenantspolicysessionsaal1-aal2-aal3)", "Risk": "keys",
		}
		if w, ok := words[t.Name]; ok {
			return w, nil
		}
		return "", fmt.Errorf("type %s has no words in configdoc", t.Name)
	}
	return "", fmt.Errorf("type %T has no words in configdoc", t)
}

// sentence turns a doc comment into one that does not name the type.
func sentence(name, doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	doc = strings.TrimPrefix(doc, name+" ")
	for _, verb := range []string{"is ", "are "} {
		doc = strings.TrimPrefix(doc, verb)
	}
	return strings.ToUpper(doc[:1]) + doc[1:]
}
