package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may nest.
const maxDepth = 32

// DecodeJSON reads a JSON body into dst, a pointer to a struct. It answers
// [ErrMediaType] unless the body is declared as application/json, which a
// cross-site form cannot do, and refuses what would make two readers disagree
// (H-38): members that dst has not, names in another case, a name twice,
// anything after the value, bytes that are not UTF-8. Nesting ends at 32.
func DecodeJSON(r *http.Request, dst any) error {
	if !hasMediaType(r, "application/json") {
		return ErrMediaType
	}
	body, err := ReadBody(r)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return malformed("the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := (inspector{dec}).value(reflect.TypeOf(dst), 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return malformed("the body has something after its JSON value")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return malformed("the body must be a JSON object")
	}
	if err := json.Unmarshal(body, dst); err != nil {
		if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) && wrong.Field != "" {
			return malformed("member " + wrong.Field + " is of the wrong type")
		}
		return malformed("the body is not the JSON that is wanted") // err might quote it
	}
	return nil
}

// inspector walks a JSON text beside the type that it is to be read into.
type inspector struct{ dec *json.Decoder }

// value inspects one value; t is nil where any shape will do.
func (i inspector) value(t reflect.Type, depth int) error {
	token, err := i.dec.Token()
	if err != nil {
		return malformed("the body is not JSON")
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return malformed("the body is nested too deeply")
	}
	t = target(t)
	if delim == '[' {
		var element reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			element = t.Elem()
		}
		for i.dec.More() {
			if err := i.value(element, depth+1); err != nil {
				return err
			}
		}
	} else if err := i.members(t, depth); err != nil {
		return err
	}
	if _, err := i.dec.Token(); err != nil {
		return malformed("the body is not JSON")
	}
	return nil
}

func (i inspector) members(t reflect.Type, depth int) error {
	fields := map[string]reflect.Type{}
	closed := t != nil && t.Kind() == reflect.Struct
	if closed {
		collect(t, fields)
	}
	seen := map[string]bool{}
	for i.dec.More() {
		token, err := i.dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return malformed("the body is not JSON")
		}
		element, known := fields[name]
		if closed && !known {
			return malformed("the body has an unknown member")
		}
		if folded := fold(name); seen[folded] {
			return malformed("the body has a member twice")
		} else {
			seen[folded] = true
		}
		if t != nil && t.Kind() == reflect.Map {
			element = t.Elem()
		}
		if err := i.value(element, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// target follows pointers, and returns nil for a type that reads itself or
// takes anything.
func target(t reflect.Type) reflect.Type {
	reads := reflect.TypeFor[json.Unmarshaler]()
	for t != nil {
		if t.Implements(reads) || reflect.PointerTo(t).Implements(reads) || t.Kind() == reflect.Interface {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return t
		}
		t = t.Elem()
	}
	return nil
}

// collect gathers the members of a struct by their exact names.
func collect(t reflect.Type, into map[string]reflect.Type) {
	for n := range t.NumField() {
		f := t.Field(n)
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		embedded := f.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case tag == "-":
		case f.Anonymous && name == "" && embedded.Kind() == reflect.Struct:
			collect(embedded, into)
		case !f.IsExported():
		case name == "":
			into[f.Name] = f.Type
		default:
			into[name] = f.Type
		}
	}
}

// fold brings a name to one form for all cases of its letters, as encoding/json
// sees them.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
			least = min(least, c)
		}
		return least
	}, name)
}
