package cli

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// For every text: each reported place is the beginning of a token, the output is safe on a
// terminal, and it holds none of the planted secrets.
func FuzzScan(f *testing.F) {
	const secret = "ada.quillwood@example.com"
	planted := compact(someHeader, `{"email":"`+secret+`","n":"`+secret+`"}`, "signature")
	for _, s := range surroundings {
		f.Add([]byte(strings.ReplaceAll(s, "@", plainJWS)), []byte("{}"))
	}
	f.Add([]byte(directJWE+unsignedJWS), []byte(`{"a":{"a":1,"a":["`+plainJWS+`"]}`))
	f.Add([]byte(strippedJWS+"…\n"+plainJWS[:30]), []byte(`{"t":"`+strippedJWS+`","`+strippedJWS))
	f.Add([]byte("x="), []byte(`{"sealed":["`+wrappedJWE+`"]}`))
	f.Fuzz(func(t *testing.T, text, payload []byte) {
		text = append(text, "\n"+planted+"\n"+compact(someHeader, string(payload), "s")+"\n"...)
		code, stdout, stderr := scanned(t, bytes.NewReader(text), "-o", "json")
		checkMemory(t, len(text), func() { scanned(t, bytes.NewReader(text), "-o", "json") })
		if code == console.ExitPolicy && strings.Contains(stderr, "is compressed") {
			return
		}
		if code != console.ExitPolicy || strings.Contains(stdout+stderr, secret) || strings.Contains(stdout+stderr, planted) {
			t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
		}
		lines := bytes.Split(text, []byte("\n"))
		for _, line := range strings.Split(strings.TrimSuffix(stdout, "\n"), "\n") {
			checkSighting(t, lines, line)
		}
	})
}

// checkMemory checks that f, which reads size bytes, allocates in proportion to size. The
// measurement is slow, so only a few short texts are measured. Their length selects them, so that a
// failure can be repeated.
func checkMemory(t *testing.T, size int, f func()) {
	t.Helper()
	if size < 4<<10 && size%16 != 0 {
		return
	}
	limit := uint64(64*size + 2<<20) // the scan has a window of more than 1 MiB
	for try := 0; ; try++ {          // other goroutines allocate too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used <= limit {
			return
		} else if try == 5 {
			t.Fatalf("%d bytes take %d bytes of memory, and %d are allowed", size, used, limit)
		}
	}
}

func checkSighting(t *testing.T, lines [][]byte, line string) {
	var s struct {
		Line, Column int
		Skipped      string // the limit
		Layers       []struct{ Length int }
	}
	if err := json.Unmarshal([]byte(line), &s); err != nil || console.Printable(line) != line {
		t.Fatalf("%v: %q", err, line)
	}
	if s.Skipped != "" {
		return
	}
	token := string(lines[s.Line-1][s.Column-1:][:s.Layers[0].Length])
	if u, err := leak.Read(token); err != nil || u.Layers[0].Length != len(token) {
		t.Fatalf("no token at %d:%d: %q", s.Line, s.Column, token)
	}
}
