//go:build ignore

// Command main makes ../common.bin, the embedded list of common passwords, from
// the frequency lists of two npm packages and from the two text files beside
// it. Run it with "go generate ./internal/factor/password"; it needs npm.
//
//	-o FILE     where to write (default common.bin)
//	-list FILE  instead: make a binary list of a text file, one password a line
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/intelliauth/intelliauth/internal/factor/password"
)

// The packages, pinned by version and by npm's integrity value.
const (
	common      = "@zxcvbn-ts/language-common@4.1.3"
	commonSum   = "sha512-g2bg4skmlJG9aJqC/nWziZzgYpSe/f3rKeGobrkdFiOrfZVFqqzUgC6BUQWuX54Sua9j0Jxxt+1bf4f/Mal1Kg=="
	english     = "@zxcvbn-ts/language-en@4.1.1"
	englishSum  = "sha512-6UdzuBd3Uex8TKubohcn+uXRVAH34Zjs2eCfT4hQVo9zeTy7AkQRQfdV4OnHR5hQfW/XBrK/AGTZk7VBWh7wwQ=="
	topWords    = 150  // of the password list: the first guesses
	likelyWords = 3000 // of the password list
	everyday    = 100  // of the English list: "the", "you"
	frequent    = 1500 // of the English list
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", "common.bin", "where to write")
	list := flag.String("list", "", "text file with one password a line, instead of our own sources")
	flag.Parse()
	source, err := ours()
	if *list != "" {
		source, err = fromFile(*list)
	}
	if err != nil {
		log.Fatal(err)
	}
	var buf bytes.Buffer
	passwords, words, err := password.WriteBlocklist(&buf, source)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, buf.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%s: %d passwords, %d words and phrases, %d bytes", *out, passwords, words, buf.Len())
}

func fromFile(path string) (s password.Source, err error) {
	s.Passwords, err = lines(path, "")
	return s, err
}

func ours() (password.Source, error) {
	var s password.Source
	dir, err := os.MkdirTemp("", "blocklist")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	files := map[string][]string{}
	for spec, sum := range map[string]string{common: commonSum, english: englishSum} {
		if err := fetch(dir, spec, sum, files); err != nil {
			return s, fmt.Errorf("%s: %w", spec, err)
		}
	}
	if s.Top, err = lines("gen/words.txt", "#"); err != nil {
		return s, err
	}
	if s.Phrases, err = lines("gen/phrases.txt", "#"); err != nil {
		return s, err
	}
	for _, name := range []string{"passwords", "commonWords", "wikipedia", "firstnames", "lastnames"} {
		if len(files[name]) == 0 {
			return s, fmt.Errorf("no list %s", name)
		}
		for _, entry := range files[name] {
			switch n := utf8.RuneCountInString(entry); {
			case n >= 15 && name == "passwords":
				s.Phrases = append(s.Phrases, entry)
			case n >= 4 && n <= 14:
				s.Passwords = append(s.Passwords, entry)
			}
		}
	}
	rank(files["passwords"], 4, topWords, likelyWords, &s)
	rank(files["commonWords"], 2, everyday, frequent, &s)
	return s, nil
}

// rank takes the first words of a frequency list as top words, the next as
// words; an entry with anything but letters is no word.
func rank(list []string, shortest, top, all int, s *password.Source) {
	n := 0
	for _, entry := range list {
		if len(entry) < shortest || strings.Trim(entry, "abcdefghijklmnopqrstuvwxyz") != "" {
			continue
		}
		if n++; n <= top {
			s.Top = append(s.Top, entry)
		} else if n <= all {
			s.Words = append(s.Words, entry)
		} else {
			return
		}
	}
}

// fetch reads the lists of an npm package whose archive has the given sum.
func fetch(dir, spec, sum string, into map[string][]string) error {
	cmd := exec.Command("npm", "pack", "--silent", "--pack-destination", dir, spec)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	name, err := cmd.Output()
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(dir, strings.TrimSpace(string(name))))
	if err != nil {
		return err
	}
	got := sha512.Sum512(raw)
	if s := "sha512-" + base64.StdEncoding.EncodeToString(got[:]); s != sum {
		return fmt.Errorf("archive has integrity %s, want %s", s, sum)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	for files := tar.NewReader(unzipped); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		file, ok := strings.CutPrefix(h.Name, "package/src/")
		if file, isJSON := strings.CutSuffix(file, ".json"); ok && isJSON {
			var list []string
			if json.NewDecoder(files).Decode(&list) == nil { // graphs and the like are no lists
				into[file] = list
			}
		}
	}
}

// lines reads a text file. Lines that begin with comment, if that is not
// empty, are left out.
func lines(path, comment string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		if line := s.Text(); line != "" && (comment == "" || !strings.HasPrefix(line, comment)) {
			out = append(out, line)
		}
	}
	return out, s.Err()
}
