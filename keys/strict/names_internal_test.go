package strict

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Both ways to look for equal names find the first name that has an equal one before it. This holds
// for any number of names, also if all hashes are equal.
func TestTwins(t *testing.T) {
	for _, n := range []int{1, 2, 3, few, few + 1, 31, 32, 33, 100} {
		step := max(1, n/9)
		for i := 0; i < n; i += step {
			for j := i; j >= 0; j -= step { // name i equals name j; it has no twin if i is j
				for _, hash := range []func(uint32) uint32{
					func(h uint32) uint32 { return h },
					func(uint32) uint32 { return 0 },
					func(uint32) uint32 { return 0xffffffff }, // the last place: the next one is the first
					func(h uint32) uint32 { return -(h & 3) },
				} {
					s := &scanner{seed: maphash.MakeSeed(), folds: true}
					for k := range n {
						name := fmt.Sprint("name", k)
						if k == i {
							name = fmt.Sprint("NAME", j)
						}
						at := len(s.data)
						s.data = append(s.data, `"`+name+`"`...)
						s.push(at, []byte(name))
						s.names[k].hash = hash(s.names[k].hash)
					}
					want := i
					if i == j {
						want = -1
					}
					if got := s.twin(s.names); got != want {
						t.Fatalf("twin: name %d of %d is name %d: %d", i, n, j, got)
					}
					if got := s.twinOfMany(s.names); got != want {
						t.Fatalf("twinOfMany: name %d of %d is name %d: %d", i, n, j, got)
					}
				}
			}
		}
	}
}

// Folding eight bytes at a time gives the same as folding runes, at every place.
func TestAppendFolded(t *testing.T) {
	slow := func(name string) (folded string) {
		for _, r := range name {
			least := r
			for twin := unicode.SimpleFold(r); twin != r; twin = unicode.SimpleFold(twin) {
				least = min(least, twin)
			}
			folded += string(least)
		}
		return folded
	}
	for r := range rune(0x180) {
		for before := range 10 {
			for after := range 10 {
				name := strings.Repeat("z", before) + string(r) + strings.Repeat("A", after)
				if got := string(appendFolded([]byte("dst"), []byte(name))); got != "dst"+slow(name) {
					t.Fatalf("%q is folded to %q", name, got)
				}
			}
		}
	}
}

// The pooled buffers keep nothing of a text, whether it was accepted or refused. No large buffer is
// kept.
func TestRelease(t *testing.T) {
	var wide strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&wide, `"\u0041%d":0,`, i)
	}
	for _, text := range []string{
		`{"a":1,"\u0062":{"c":{"d":2}}}`,
		`{"a":1,"\u0062":{"c":{"d":tru`,
		`{"a":1,"\u0062":{"c":{"d":1,"D":2}}}`,
		"{" + strings.TrimSuffix(wide.String(), ",") + "}",
		"{" + wide.String(),
	} {
		s := newScanner([]byte(text))
		s.object(1)
		s.release()
		all := func(b []byte) []byte { return b[:cap(b)] }
		if s.data != nil || len(s.names)+len(s.members)+len(s.folded[0])+len(s.folded[1])+len(s.unescaped)+len(s.decoded) != 0 {
			t.Errorf("%.40s: the scanner is not empty", text)
		}
		if slices.ContainsFunc(slices.Concat(all(s.folded[0]), all(s.folded[1]), all(s.unescaped), all(s.decoded)), func(c byte) bool { return c != 0 }) {
			t.Errorf("%.40s: names are kept", text)
		}
		for _, n := range s.names[:cap(s.names)] {
			if n != (name{}) {
				t.Errorf("%.40s: the hash of a name is kept", text)
			}
		}
		if size := max(16*cap(s.members), 8*cap(s.names), cap(s.folded[0]), cap(s.unescaped), 2*cap(s.table)); size > 16<<10 {
			t.Errorf("%.40s: a buffer of %d bytes is kept", text, size)
		}
	}
}

// Eight bytes at a time give the same result as one byte at a time, for all neighbours.
func TestPlain(t *testing.T) {
	slow := func(b []byte) (n int, ascii bool) {
		for n < len(b) && b[n] >= ' ' && b[n] != '"' && b[n] != '\\' {
			n++
		}
		return n, !slices.ContainsFunc(b[:n], func(c byte) bool { return c >= utf8.RuneSelf })
	}
	// These are the neighbours of the special bytes, where a borrow or a sign could go wrong.
	edges := []byte{0x00, 0x01, 0x1f, ' ', '!', '"', '#', '[', '\\', ']', 0x7f, 0x80, 0x9f, 0xa0, 0xa2, 0xdc, 0xff}
	check := func(b []byte) {
		t.Helper()
		n, ascii := plain(b)
		if wantN, wantASCII := slow(b); n != wantN || ascii != wantASCII {
			t.Fatalf("%q: %d, %v", b, n, ascii)
		}
	}
	for length := range 19 {
		b := make([]byte, length)
		for at := range length {
			for c := range 256 {
				for i := range b {
					b[i] = 'x'
				}
				b[at] = byte(c)
				check(b)
				for _, next := range edges {
					b[(at+1)%length] = next
					check(b)
				}
			}
		}
	}
}
