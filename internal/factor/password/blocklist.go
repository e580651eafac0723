package password

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/FastFilter/xorfilter"
)

const (
	magic         = "IABLOCK1"
	headerBytes   = len(magic) + 4*4 + 8
	maxLine       = 4096
	maxTextLines  = 5_000_000 // more than that is read faster from a binary list
	maxWord       = 16        // code points of a word in the tables
	maxPhrase     = 64        // the same of a phrase
	filterLongest = 14        // of ours: longer entries are few and go to the phrases
)

// Source is what a list is made of. All of it is folded before it is kept.
type Source struct {
	Top       []string // words that come first to everybody's mind
	Words     []string // words that are often part of passwords
	Phrases   []string // whole phrases, compared without spaces and punctuation
	Passwords []string // whole passwords
}

// blocklist answers whether a password, a word or a phrase is a common one.
// Words and phrases are kept as sorted 32-bit hashes, which are exact but for
// one false hit in a million; whole passwords as a binary fuse filter, at 9
// bits each, which takes one stranger in 256 for one of its own.
type blocklist struct {
	top, words, phrases table
	longest             int // code points of the longest entry of the filter
	keys                uint64
	filter              *xorfilter.BinaryFuse8 // nil if empty
}

// table is a sorted sequence of big-endian 32-bit hashes.
type table string

func (t table) has(key uint64) bool {
	want := uint32(key >> 32)
	n := len(t) / 4
	i := sort.Search(n, func(i int) bool { return t.at(i) >= want })
	return i < n && t.at(i) == want
}

func (t table) at(i int) uint32 {
	return uint32(t[4*i])<<24 | uint32(t[4*i+1])<<16 | uint32(t[4*i+2])<<8 | uint32(t[4*i+3])
}

// common reports whether the whole of runes is in the list.
func (b *blocklist) common(runes []rune) bool {
	key := keyOf(runes)
	return b.filter != nil && len(runes) <= b.longest && b.filter.Contains(key)
}

// readBlocklist reads a list of either form: binary, as [WriteBlocklist] makes
// it, or text with one password on each line.
func readBlocklist(r io.Reader) (*blocklist, error) {
	buffered := bufio.NewReader(r)
	start, err := buffered.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("blocklist: %w", err)
	}
	if string(start) != magic {
		return readText(buffered)
	}
	all, err := io.ReadAll(buffered)
	if err != nil {
		return nil, fmt.Errorf("blocklist: %w", err)
	}
	return parseBlocklist(string(all))
}

// readText makes a list of lines. Lines that are not UTF-8 are passed over: no
// password that reaches us can equal them.
func readText(r io.Reader) (*blocklist, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	b, keys := &blocklist{}, []uint64(nil)
	for lines.Scan() {
		if !utf8.Valid(lines.Bytes()) {
			continue
		}
		folded := fold(strings.TrimSuffix(lines.Text(), "\r"))
		if len(folded) == 0 {
			continue
		}
		if len(keys) == maxTextLines {
			return nil, fmt.Errorf("blocklist: more than %d lines of text; make a binary list of it", maxTextLines)
		}
		keys = append(keys, keyOf(folded))
		b.longest = max(b.longest, len(folded))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("blocklist: line %d: %w", len(keys)+1, err)
	}
	return b, b.build(keys)
}

// build makes the filter. Doubles among the keys would make that fail.
func (b *blocklist) build(keys []uint64) (err error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	b.keys = uint64(len(keys))
	if len(keys) == 0 {
		return nil
	}
	if b.filter, err = xorfilter.PopulateBinaryFuse8(keys); err != nil {
		return fmt.Errorf("blocklist: %w", err)
	}
	return nil
}

// WriteBlocklist writes the binary form of a list and returns how many whole
// passwords and how many words and phrases it holds. The same source gives the
// same bytes.
func WriteBlocklist(w io.Writer, s Source) (passwords, words int, err error) {
	var b blocklist
	b.top, b.words = tableOf(s.Top, maxWord, fold), tableOf(s.Words, maxWord, fold)
	b.phrases = tableOf(s.Phrases, maxPhrase, func(p string) []rune { return bare(fold(p)) })
	var keys []uint64
	for _, p := range s.Passwords {
		if f := fold(p); len(f) > 0 && len(f) <= maxLength {
			keys = append(keys, keyOf(f))
			b.longest = max(b.longest, len(f))
		}
	}
	if err := b.build(keys); err != nil {
		return 0, 0, err
	}
	out := []byte(magic)
	for _, n := range []int{len(b.top) / 4, len(b.words) / 4, len(b.phrases) / 4, b.longest} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	out = binary.LittleEndian.AppendUint64(out, b.keys)
	out = append(out, b.top+b.words+b.phrases...)
	buf := bytes.NewBuffer(out)
	if b.filter != nil {
		if err := b.filter.Save(buf); err != nil {
			return 0, 0, err
		}
	}
	_, err = w.Write(buf.Bytes())
	return int(b.keys), (len(b.top) + len(b.words) + len(b.phrases)) / 4, err
}

func tableOf(entries []string, longest int, form func(string) []rune) table {
	var hashes []uint32
	for _, e := range entries {
		if f := form(e); len(f) > 0 && len(f) <= longest {
			hashes = append(hashes, uint32(keyOf(f)>>32))
		}
	}
	slices.Sort(hashes)
	var out []byte
	for _, h := range slices.Compact(hashes) {
		out = binary.BigEndian.AppendUint32(out, h)
	}
	return table(out)
}

// parseBlocklist reads the binary form. It checks whatever a look-up relies on:
// a damaged file is an error here, not a panic at a sign-up.
func parseBlocklist(s string) (*blocklist, error) {
	broken := errors.New("blocklist: not a list that this version wrote")
	if len(s) < headerBytes || s[:len(magic)] != magic {
		return nil, broken
	}
	head := []byte(s[len(magic):headerBytes])
	var b blocklist
	rest := s[headerBytes:]
	for i, t := range []*table{&b.top, &b.words, &b.phrases} {
		n := 4 * uint64(binary.LittleEndian.Uint32(head[4*i:]))
		if n > uint64(len(rest)) {
			return nil, broken
		}
		*t, rest = table(rest[:n]), rest[n:]
		for j := 4; j < len(*t); j += 4 {
			if (*t)[j-4:j] >= (*t)[j:j+4] {
				return nil, broken
			}
		}
	}
	b.longest = int(binary.LittleEndian.Uint32(head[12:]))
	b.keys = binary.LittleEndian.Uint64(head[16:])
	if b.keys == 0 && rest == "" {
		return &b, nil
	}
	const filterHead = 8 + 5*4
	// The library allocates what the last field says before it reads.
	if len(rest) < filterHead || int64(binary.LittleEndian.Uint32([]byte(rest[filterHead-4:filterHead]))) != int64(len(rest)-filterHead) {
		return nil, broken
	}
	f, err := xorfilter.LoadBinaryFuse8(strings.NewReader(rest))
	if err != nil || !sound(f) {
		return nil, broken
	}
	b.filter = f
	return &b, nil
}

// sound reports whether every look-up stays within the fingerprints.
func sound(f *xorfilter.BinaryFuse8) bool {
	length, count := uint64(f.SegmentLength), uint64(f.SegmentCount)
	return length > 0 && length&(length-1) == 0 && uint64(f.SegmentLengthMask) == length-1 && count > 0 &&
		count <= 1<<31 && uint64(f.SegmentCountLength) == count*length && uint64(len(f.Fingerprints)) == (count+2)*length
}
