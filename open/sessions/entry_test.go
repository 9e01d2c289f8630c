package sessions

import (
	"crypto/sha256"
	"testing"
)

// TestEntry fixes the wire format: hubs and verifiers of all versions compute the same entry.
func TestEntry(t *testing.T) {
	sum := sha256.Sum256([]byte("\x00\x00\x00\x03sid\x00\x00\x00\x16https://id.example.com\x00\x00\x00\x02AB"))
	if got := entryOf("sid", "https://id.example.com", "AB"); got != Entry(sum[:16]) {
		t.Errorf("entryOf gives %x, want %x", got, sum[:16])
	}
	seen := make(map[Entry][3]string)
	for _, in := range [][3]string{
		{"sid", "iss", "1"}, {"jti", "iss", "1"}, {"sid", "iss1", ""}, {"sid", "", "iss1"},
		{"sid", "is", "s1"}, {"sidi", "ss", "1"}, {"sid", "iss", "1\x00"}, {"sid", "iss", "2"},
	} {
		e := entryOf(in[0], in[1], in[2])
		if other, twice := seen[e]; twice {
			t.Errorf("%q and %q have the same entry", in, other)
		}
		seen[e] = in
	}
}

func TestEntryAllocates(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { entryOf("sid", "https://id.example.com", "8Jb3lXq0TdyQ9mTFnQkq3A") }); n != 0 {
		t.Errorf("entryOf makes %v allocations, want none", n)
	}
}
