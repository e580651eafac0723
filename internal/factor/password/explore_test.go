package password

import ("testing";"crypto/rand";"time";"bufio";"os";"strings";"fmt")

func TestExplore(t *testing.T) {
	f, err := New(Options{Now: time.Now, Random: rand.Reader})
	if err != nil { t.Fatal(err) }
	words := []string{"Ada Lovelace", "ada@example.com", "Demo"}
	lists, _ := f.lists()
	j := judge{lists: lists, keyboards: f.keys(), personal: personalKeys(words)}
	file, _ := os.Open("/tmp/explore.txt")
	s := bufio.NewScanner(file)
	for s.Scan() {
		l := s.Text()
		if l == "" || strings.HasPrefix(l, "##") { fmt.Println(l); continue }
		v := j.explain(fold(l))
		fmt.Printf("%-42s %3d %v %v\n", l, v.bits, v.covered, f.Check(l, 15, words))
	}
}
