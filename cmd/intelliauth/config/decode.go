package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/intelliauth/intelliauth/internal/policy"
)

// maxDepth bounds aliases that point at each other.
const maxDepth = 32

// decoder reads YAML nodes into structs by their yaml tags. It goes on after a
// problem, so that one run finds them all.
type decoder struct {
	file     string
	lines    map[string]int // path → line
	problems Problems
}

func (d *decoder) say(line int, at, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.file, Line: line, At: at, Text: fmt.Sprintf(format, args...)})
}

// document reads the one document of a file.
func (d *decoder) document(raw []byte, into any) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			d.say(0, "", "is empty: `intelliauth init` writes one to start from")
			return nil
		}
		line, text := syntaxError(err)
		d.say(line, "", "is no YAML: %s", text)
		return nil
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.say(second.Line, "", "holds a second document: keep everything in the first")
	}
	root := doc.Content[0]
	d.value(root, reflect.ValueOf(into).Elem(), "", 0)
	return root
}

// syntaxError takes the line out of the reader's message.
func syntaxError(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.TrimPrefix(text, m[0])
	}
	return line, text
}

// value reads n into v, which stands at path.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, depth int) {
	if depth > maxDepth {
		d.say(n.Line, path, "is nested too deeply")
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.lines[path] = n.Line
	if n.Tag == "!!null" {
		d.say(n.Line, path, "is empty: give it a value or remove it")
		return
	}
	if taken := d.own(n, v, path); taken {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, depth+1)
	case reflect.Struct:
		d.mapping(n, v, path, depth)
	case reflect.Slice:
		d.sequence(n, v, path, depth)
	default:
		d.scalar(n, v, path)
	}
}

// own reads the types that read themselves.
func (d *decoder) own(n *yaml.Node, v reflect.Value, path string) bool {
	text, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return false
	}
	if n.Kind != yaml.ScalarNode {
		d.say(n.Line, path, "wants a single value, not a %s", kindOf(n))
		return true
	}
	if err := text.UnmarshalText([]byte(n.Value)); err != nil {
		d.say(n.Line, path, "%v", err)
	}
	return true
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.MappingNode {
		d.say(n.Line, path, "wants keys and values, not a %s", kindOf(n))
		return
	}
	fields := keysOf(v.Type())
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		if first, twice := seen[key.Value]; twice {
			d.say(key.Line, at, "is given twice (first on line %d)", first)
			continue
		}
		seen[key.Value] = key.Line
		field, known := fields[key.Value]
		if !known {
			d.say(key.Line, at, "is no known key%s", suggest(key.Value, fields))
			continue
		}
		d.value(value, v.Field(field), at, depth+1)
	}
	if p, ok := v.Addr().Interface().(*policy.Policy); ok {
		d.policy(n, *p, path)
	}
}

// policy checks a policy key by key, so that each problem has its line, and
// then as a whole.
func (d *decoder) policy(n *yaml.Node, whole policy.Policy, path string) {
	found := slices.ContainsFunc(d.problems, func(p Problem) bool { return strings.HasPrefix(p.At, path+".") })
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		items := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			items = value.Content
		}
		for _, item := range items {
			if err := alone(key, value, item); err != nil {
				d.say(item.Line, join(path, key.Value), "%s", plain(err))
				found = true
			}
		}
	}
	if found {
		return
	}
	if err := whole.Check(); err != nil {
		d.say(d.lineOf(n, path, err), path, "%s", plain(err))
	}
}

// alone checks the policy that has one key with one item of its value.
func alone(key, value, item *yaml.Node) error {
	if item != value {
		value = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{item}}
	}
	only := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, value}}
	var p policy.Policy
	scratch := decoder{lines: map[string]int{}}
	keys := keysOf(reflect.TypeFor[policy.Policy]())
	if field, known := keys[key.Value]; known {
		scratch.value(only.Content[1], reflect.ValueOf(&p).Elem().Field(field), "", 1)
	}
	if len(scratch.problems) > 0 {
		return nil // told already
	}
	return p.Check()
}

// lineOf finds the key that a problem of several keys together names first.
func (d *decoder) lineOf(n *yaml.Node, path string, err error) int {
	line, first := d.lines[path], len(err.Error())
	for i := 0; i+1 < len(n.Content); i += 2 {
		if at := strings.Index(err.Error(), n.Content[i].Value); at >= 0 && at < first {
			line, first = n.Content[i].Line, at
		}
	}
	return line
}

func plain(err error) string { return strings.TrimPrefix(err.Error(), "policy: ") }

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.say(n.Line, path, "wants a list: write [%s]", "…")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.say(n.Line, path, "wants a single value, not a %s", kindOf(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if n.Tag != "!!str" {
			d.say(n.Line, path, "wants text: put quotes around it")
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		var b bool
		if n.Tag != "!!bool" || n.Decode(&b) != nil {
			d.say(n.Line, path, "wants true or false")
			return
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if n.Tag != "!!int" || err != nil {
			d.say(n.Line, path, "wants a whole number")
			return
		}
		v.SetInt(int64(i))
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil {
			d.say(n.Line, path, "wants a number")
			return
		}
		v.SetFloat(f)
	default:
		// A new kind of field without a reader is our mistake, not the operator's.
		d.say(n.Line, path, "cannot be read by this version")
	}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "block of keys"
	case yaml.SequenceNode:
		return "list"
	default:
		return "single value"
	}
}

// keysOf maps the yaml keys of a struct to its fields.
func keysOf(t reflect.Type) map[string]int {
	keys := map[string]int{}
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" {
			keys[key] = i
		}
	}
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// suggest names the known key that is at most two slips away.
func suggest(key string, fields map[string]int) string {
	best, least := "", 3
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if n := distance(key, known); n < least {
			best, least = known, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// distance counts the letters to add, drop or change between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
