package password

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/intelliauth/intelliauth/internal/factor"
)

func newFactor(t testing.TB, o Options) *Factor {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func code(err error) string {
	var r *factor.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// The people of the tables: ada@example.com and grace@example.com at Demo.
func personalWords() []string {
	return []string{"Ada Lovelace", "ada@example.com", "Grace Hopper", "grace@example.com", "Demo"}
}

const (
	isCommon   = "password_common"
	hasName    = "password_contains_name"
	isRepeated = "password_repeated"
	isSequence = "password_sequence"
)

type badPassword struct{ password, why string }

func badPasswords() []badPassword {
	return []badPassword{
		// A common word, padded or doubled or said twice
		{"passwordpassword", isRepeated},
		{"passwordpassword123", isRepeated},
		{"Password1Password1", isRepeated},
		{"password8273645", isCommon},
		{"sunshine00000001", isCommon},
		{"Elizabeth19840612", isCommon},
		{"administrator123", isCommon},
		{"changeme!changeme", isRepeated},
		{"January2024January", isRepeated},
		{"Henderson1985!!!", isCommon},
		{"p.a.s.s.w.o.r.d.1", isCommon},
		{"drowssapdrowssap", isRepeated},
		// Several of them
		{"dragonmonkeyshadow", isCommon},
		{"mondaytuesdaywednesday", isCommon},
		{"thisismypassword", isCommon},
		{"Correct-Horse-Battery-Staple-1", isCommon},
		{"maytheforcebewithyou", isCommon},
		// Look-alike letters
		{"P@ssw0rdP@ssw0rd", isRepeated},
		{"L3tM31n!L3tM31n!", isRepeated},
		{"Adm1n1str@t0r2024", isCommon},
		{"ｐａｓｓｗｏｒｄ１９８７！！！", isCommon},
		// Other languages
		{"motdepasse123456", isCommon},
		{"пароль123456789", isSequence},
		// Keyboards
		{"qwertyuiopasdfgh", isSequence},
		{"azertyuiopqsdfgh", isSequence},
		{"qwertzuiopasdfghj", isSequence},
		{"йцукенгшщзфывапр", isSequence},
		{"1q2w3e4r5t6y7u8i", isSequence},
		{"!QAZ@WSX#EDC$RFV", isSequence},
		{"147258369147258", isSequence},
		// Alphabets, numbers, repeats
		{"abcdefghijklmnop", isSequence},
		{"098765432109876", isSequence},
		{"11223344556677889900", isRepeated},
		{"1a2b3c4d5e6f7g8h", isSequence},
		{"314159265358979", isSequence},
		{"}:{)>[|<}:{)>[|<", isRepeated},
		// The person's and the service's own names
		{"AdaLovelace1815!", hasName},
		{"grace@example.com1", hasName},
		{"demo-Demo_DEMO-2024", isRepeated},
		{"IntelliAuth12345", hasName},
	}
}

func TestN58_BadPasswordsOf15AndMore(t *testing.T) {
	bad := badPasswords()
	if len(bad) != 40 {
		t.Fatalf("%d bad passwords, want 40", len(bad))
	}
	f := newFactor(t, Options{})
	for _, b := range bad {
		if len([]rune(b.password)) < 15 {
			t.Errorf("%q is shorter than 15", b.password)
		}
		if got := code(f.Check(b.password, 15, personalWords())); got != b.why {
			t.Errorf("%q: %q, want %s", b.password, got, b.why)
		}
	}
}

func TestN58_GoodPassphrases(t *testing.T) {
	good := []string{
		"analytical-engine-1843", // ada@example.com in the demo world
		"compiler-first-1952",    // grace@example.com
		"purple monkey dishwasher",
		"coffee-table-lamp-42",
		"I have two cats and a dog",
		"the horse went to the river at dawn",
		"correct giraffe battery nail",
		"my grandmother's blue bicycle",
		"seventeen lemons on Tuesday",
		"velvet-otter-drums-91",
		"kettle orbit mango trapeze",
		"tangerine.submarine.waltz",
		"3 pigeons ate my sandwich",
		"keep the left door open, Maurice",
		"serendipity petrichor",
		"cardboard astronaut 1969",
		"Ada likes difference engines",
		"rain on a tin roof",
		"grumpyaccordiontuner",
		"olympus_mons_is_taller",
		// Drawn by a machine
		"xK9$mQ2vL7#pR4w",
		"tR8vbQ2nLx0cWz5",
		"f8Kq-2mZx-0pLw-7vBt",
		"hX!vd)2Pq}mZ&w3+",
		"}:{)>[|<;.?~^%#",
		"7402958136412577183",
		// Not English
		"je mange des pommes vertes",
		"el gato duerme en la ventana",
		"Der Apfel fällt nicht weit vom Stamm",
		"hvad skal vi spise i aften",
		"çok güzel bir sabah kahvesi",
		"мой кот любит рыбу по утрам",
		"αυτή η γάτα τρώει ψάρι",
		"החתול שלי אוהב דגים מאוד",
		"هذا القط يحب السمك كثيرا",
		"ใครขายไข่ไก่ในตลาดเช้า",
		"私は毎朝公園で犬と散歩しています",
		"我每天早上在公园里遛狗喝咖啡看报纸",
		"나는 매일 아침 커피를 마십니다",
		"🐢🚀🌵🎻🍉🧊🪁🦑🎲🥝🛶🧲🪐🦔🫖",
	}
	if len(good) != 40 {
		t.Fatalf("%d good passphrases, want 40", len(good))
	}
	f := newFactor(t, Options{})
	for _, g := range good {
		if err := f.Check(g, 15, personalWords()); err != nil {
			t.Errorf("%q: %v", g, err)
		}
	}
}

// The name is what spoils these: for somebody else they would do.
func TestN58_NamesCountForTheirOwnersOnly(t *testing.T) {
	f := newFactor(t, Options{})
	for password, words := range map[string][]string{
		"zbigniewkowalczyk":   {"Zbigniew Kowalczyk"},
		"Kowalczyk.Zbigniew":  {"zbigniew.kowalczyk@poczta.example"},
		"grünfelder-molkerei": {"Molkerei Grünfelder"},
		"z8igniewk0walczyk!":  {"Zbigniew Kowalczyk"},
		"kyzclawok-weingibz":  {"Zbigniew Kowalczyk"},
	} {
		if got := code(f.Check(password, 15, words)); got != hasName {
			t.Errorf("%q for %q: %q, want %s", password, words, got, hasName)
		}
		if err := f.Check(password, 15, []string{"Somebody Else"}); err != nil {
			t.Errorf("%q for somebody else: %v", password, err)
		}
	}
}

func TestN57_Lengths(t *testing.T) {
	f := newFactor(t, Options{})
	long := strings.Repeat("wet socks on the radiator, 7 pigeons ate my sandwich; ", 30)
	for _, c := range []struct {
		what, password string
		min            int
		want           string
	}{
		{"14 where it stands alone", "vexing pigeons", 15, "password_too_short"},
		{"15 where it stands alone", "vexing pigeons!", 15, ""},
		{"7 beside a factor", "kJ4!xzP", 8, "password_too_short"},
		{"8 beside a factor", "kJ4!xzPq", 8, ""},
		{"no minimum said", "vexing pigeons", 0, "password_too_short"},
		{"a minimum below 8", "kJ4!xzP", 3, "password_too_short"},
		{"15 code points in 45 bytes", "私は毎朝公園で犬と散歩していま", 15, ""},
		{"14 code points in 42 bytes", "私は毎朝公園で犬と散歩してい", 15, "password_too_short"},
		{"15 that NFC makes 14", "vexing pigeone\u0301", 15, "password_too_short"},
		{"64", long[:64], 15, ""},
		{"1024", long[:1024], 15, ""},
		{"1025", long[:1025], 15, "password_too_long"},
		{"1025 that NFC makes 1024", long[:1023] + "e\u0301", 15, ""},
		{"a megabyte", strings.Repeat("x", 1<<20), 15, "password_too_long"},
		{"printable ASCII", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ mine", 15, ""},
		{"not UTF-8", "vexing pigeons\xff!", 15, "password_invalid"},
		{"a control character", "vexing\tpigeons ate", 15, "password_invalid"},
		{"empty", "", 15, "password_too_short"},
	} {
		if got := code(f.Check(c.password, c.min, nil)); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	var r *factor.Refusal
	if err := f.Check("short", 15, nil); !errors.As(err, &r) || r.Args["min"] != "15" {
		t.Errorf("%v %v", err, r)
	}
	if err := f.Check(long, 15, nil); !errors.As(err, &r) || r.Args["max"] != "1024" {
		t.Errorf("%v %v", err, r)
	}
}

// Where a second factor is always asked, eight code points will do, and the
// list still speaks.
func TestN58_ShortPasswords(t *testing.T) {
	f := newFactor(t, Options{})
	for password, want := range map[string]string{
		"password": isCommon, "Password1!": isCommon, "baseball": isCommon, "qwertyui": isCommon, "12345678": isCommon,
		"aaaaaaaa": isRepeated, "liverpool1": isCommon, "p@ssw0rd": isCommon, "lovelac3": hasName, "trustno1": isCommon,
		"top-secret": isCommon, "abcabcab": isRepeated, "sunflowers": isCommon, "unbelievable": isCommon,
		"kJ4!xzPq": "", "wet socks": "", "blue-tram-7": "", "7402958136": "",
	} {
		if got := code(f.Check(password, 8, personalWords())); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

// No rule of composition: each of these lacks digits, capitals or symbols.
func TestN58_NoCompositionRules(t *testing.T) {
	f := newFactor(t, Options{})
	for _, p := range []string{"quietly humming fridge", "GIRAFFES PREFER ACACIA", "740295813641257"} {
		if err := f.Check(p, 15, nil); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestDoubledRandomPasswordCountsOnce(t *testing.T) {
	f := newFactor(t, Options{})
	for _, p := range []string{"kT7#pq2XkT7#pq2X", "kT7#pq2X-kT7#pq2X", "kT7#pq2XkT7#pq2X1"} {
		if got := code(f.Check(p, 15, nil)); got != isRepeated {
			t.Errorf("%q: %q", p, got)
		}
	}
}

func TestShortened(t *testing.T) {
	for s, want := range map[string]bool{
		"abcdefghabcdefgh": true, "abcdefghabcdefgh1": true, "abcdabcdabcdabcd": true, "aardvarks in fog": false,
		"tora tora tora pearl harbor": false, "a": false, "": false, "abcdefghijklmnopabcdefghijklmnop": false,
	} {
		if got := shortened([]rune(s), 15); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestExplainParts(t *testing.T) {
	f := newFactor(t, Options{})
	lists, err := f.lists()
	if err != nil {
		t.Fatal(err)
	}
	j := judge{lists: lists, keyboards: f.keys(), personal: personalKeys([]string{"Ada Lovelace"})}
	for _, c := range []struct {
		in   string
		bits int
	}{
		{"", 0},
		{"x", costLetter},
		{"7", costDigit},
		{"密", costOther},
		{"x-y-z", 3*costLetter + costSymbol},
		{"password", costTop},
		{"p4ssw0rd", costTop},
		{"drowssap", costTop},
		{"we1come", costTop},
		{"adm1n", costTop},
		{"lovelace", costPersonal},
		{"1987", costYear},
		{"24121987", costDate},
		{"19871224", costDate},
		{"99991987", 2*costRun + 1},
		{"abcdef", costRun},
		{"fedcba", costRun},
		{"acegik", costRun},
		{"7890123", costRun},
		{"asdfgh", costRun},
		{"zaq12wsx", costRun},
		{"!@#$%^&", costRun},
		{"xqzvxqzv", 4*costLetter + costRepeat},
		{"xqzvxqzvxqzv", 4*costLetter + costRepeat},
	} {
		if got := j.view(fold(c.in)).bits; got != c.bits {
			t.Errorf("%q: %d bits, want %d", c.in, got, c.bits)
		}
	}
	// Other views of the whole.
	for in, bits := range map[string]int{
		"pa-ss-wo-rd": costTop + costSymbol, "wwiinntteerr": costTop + costRepeat, "p1a2s3s4w5o6r7d8": costTop + costRun + costRepeat,
	} {
		if got := j.explain(fold(in)).bits; got != bits {
			t.Errorf("%q: %d bits, want %d", in, got, bits)
		}
	}
}

// Judging is bounded whatever is typed: this is the worst there is to do.
func TestJudgingTheLongest(t *testing.T) {
	f := newFactor(t, Options{})
	for _, s := range []string{"a", "ab", "１２", "ﷺ", "xq", "pass"} {
		p := strings.Repeat(s, maxLength/len([]rune(s)))
		if got := code(f.Check(p, 15, nil)); got != isRepeated && got != isCommon {
			t.Errorf("%d code points of %q: %q", len([]rune(p)), s, got)
		}
	}
}

// Whatever is typed, judging ends in a verdict, and one that depends on neither
// case nor width.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"passwordpassword", "vexing pigeons!", "ﷺ\u200d👩‍👩‍👧", "e\u0301\u0301", "!QAZ", "\x00", "19871224"} {
		f.Add(s)
	}
	factor := newFactor(f, Options{})
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		err := factor.Check(s, 15, []string{s, "Ada"})
		if err != nil && !strings.HasPrefix(code(err), "password_") {
			t.Fatalf("%q: %v", s, err)
		}
		if ok := factor.Check(s, 15, nil); ok == nil {
			if n := len([]rune(norm.NFC.String(s))); n < 15 {
				t.Fatalf("%q of %d code points was taken", s, n)
			}
		}
	})
}
