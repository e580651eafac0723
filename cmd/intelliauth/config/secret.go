package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// Outside is what reading a configuration needs of the world.
type Outside struct {
	Env  func(name string) (string, bool)
	Read func(path string) ([]byte, error)
	// Inbox says that messages are kept for reading here, as `intelliauth dev`
	// does, so nothing needs to be set up to send them.
	Inbox bool
}

// Secret is a value that may be kept outside of the file: `${NAME}` for an
// environment variable, `file:PATH` for a file, whose last line break does not
// count. It cannot be printed.
type Secret struct {
	written string
	value   string
	kept    bool // outside of the file
}

// UnmarshalText takes what is written; it is looked up later.
func (s *Secret) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		return errors.New("is empty: give it a value or remove it")
	}
	s.written = string(b)
	return nil
}

// Reveal returns the value itself.
func (s Secret) Reveal() string { return s.value }

// Set reports whether anything was written.
func (s Secret) Set() bool { return s.written != "" }

// String hides the value from every way of printing.
func (s Secret) String() string { return "[secret]" }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return "[secret]" }

// MarshalText hides the value from every encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// where names the place of a value kept outside, for messages.
func (s Secret) where() string {
	if s.kept {
		return " (" + s.written + ")"
	}
	return ""
}

// resolve looks the value up. Relative paths start at folder.
func (s *Secret) resolve(out Outside, folder string) error {
	if path, ok := strings.CutPrefix(s.written, "file:"); ok {
		s.kept = true
		b, err := readFile(out, folder, path)
		s.value = strings.TrimRight(string(b), "\r\n")
		if err == nil && s.value == "" {
			err = fmt.Errorf("%s is empty", path)
		}
		return err
	}
	var missing []string
	s.value = envPattern().ReplaceAllStringFunc(s.written, func(m string) string {
		s.kept = true
		name := m[2 : len(m)-1]
		v, ok := out.Env(name)
		if !ok || v == "" {
			missing = append(missing, name)
		}
		return v
	})
	if len(missing) > 0 {
		return fmt.Errorf("the environment variable %s is not set", strings.Join(missing, ", "))
	}
	if strings.Contains(s.written, "${") && !s.kept {
		return errors.New("wants an environment variable as ${NAME}")
	}
	return nil
}

func envPattern() *regexp.Regexp { return regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`) }

// readFile reads a file that the configuration names, and says plainly what is
// the matter with it.
func readFile(out Outside, folder, path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("file: wants a path")
	}
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(folder, path)
	}
	b, err := out.Read(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist", full)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s may not be read by this user", full)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read", full)
	}
	return b, nil
}

// RootKeyFiles are the files that root keys were read from.
func (c *Config) RootKeyFiles() []string {
	var out []string
	for _, s := range c.RootKeys {
		if path, ok := strings.CutPrefix(s.written, "file:"); ok {
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(c.Path), path)
			}
			out = append(out, path)
		}
	}
	return out
}
