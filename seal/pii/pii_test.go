package pii_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal/pii"
)

const testdata = "../../testdata/pii/"

// lines returns the lines of a file without the comments.
func lines(t testing.TB, file string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(read(t, file)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "# ") || line == "#" {
			continue
		}
		out = append(out, line)
	}
	return out
}

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(testdata + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func quote(t testing.TB, text string) string {
	t.Helper()
	q, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(q)
}

// texts returns lines in which {} becomes nothing.
func texts(t testing.TB, file string) []string {
	t.Helper()
	out := lines(t, file)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "{}", "")
	}
	return out
}

// Every text of hit.txt is found as its kind.
func TestHit(t *testing.T) {
	all, wrong := texts(t, "hit.txt"), 0
	for _, line := range all {
		want, text, ok := strings.Cut(line, "\t")
		if kind, found := pii.InText(text); !ok || !found || string(kind) != want {
			wrong++
			t.Errorf("%q: %q, want %q", text, kind, want)
		}
	}
	t.Logf("%d of %d texts with personal data missed or taken for another kind", wrong, len(all))
	if len(all) < 200 {
		t.Errorf("%d lines", len(all))
	}
}

// No text of miss.txt is taken for personal data.
func TestMiss(t *testing.T) {
	all, wrong := texts(t, "miss.txt"), 0
	for _, text := range all {
		if kind, found := pii.InText(text); found {
			wrong++
			t.Errorf("%q taken for %q", text, kind)
		}
	}
	t.Logf("%d of %d texts without personal data taken for it", wrong, len(all))
	if len(all) < 400 {
		t.Errorf("%d lines", len(all))
	}
}

// names.txt has names that are personal and names that are not.
func TestNames(t *testing.T) {
	hits, misses, wrong := 0, 0, 0
	for _, line := range lines(t, "names.txt") {
		want, name, ok := strings.Cut(line, "\t")
		if want == "" {
			misses++
		} else {
			hits++
		}
		if kind, found := pii.InName(name); !ok || found != (want != "") || string(kind) != want {
			wrong++
			t.Errorf("%q: %q, want %q", name, kind, want)
		}
	}
	t.Logf("%d of %d personal and %d other names wrong", wrong, hits, misses)
	if hits < 200 || misses < 200 {
		t.Errorf("%d and %d lines", hits, misses)
	}
}

// A name may have any bytes and any length, and no check reads beyond its end.
func TestNameOfAnything(t *testing.T) {
	for _, name := range []string{
		"", "\xff", "e\xffmail", "\xe2\x82", strings.Repeat("a", 1000), strings.Repeat("A", 1000), strings.Repeat("aA_", 1000),
		strings.Repeat("Ⱥ", 1000), strings.Repeat("İ", 100), strings.Repeat("주소 ", 500), "\u0301", strings.Repeat("_", 1000),
	} {
		pii.InName(name)
	}
	if kind, ok := pii.InName(strings.Repeat("x", 1000) + "_email"); !ok || kind != pii.Email {
		t.Errorf("email at the end of a long name: %q", kind)
	}
}
