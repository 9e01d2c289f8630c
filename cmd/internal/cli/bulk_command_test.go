package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// Hundreds of lines are sealed on all cores and opened again. Every line holds its own claims.
func TestBulkThereAndBack(t *testing.T) {
	needsRing(t)
	t.Setenv("HOME", t.TempDir())
	who := []string{"--jsonl", "--iss", "https://id.example.com", "--aud", "https://api.example.com"}
	const n = 300
	var claims strings.Builder
	for i := range n {
		fmt.Fprintf(&claims, `{"sub":"u-%d","email":"ada%d@example.com"}`+"\n", i, i)
	}
	for _, form := range [][]string{nil, {"--selective"}} {
		tokens, stderr := runOK(t, claims.String(), append(append([]string{"seal", "--init"}, form...), who...)...)
		if strings.Contains(stderr, "line") {
			t.Errorf("seal says %q", stderr)
		}
		opened, stderr := runOK(t, tokens, append(append([]string{"open"}, form...), who...)...)
		if stderr != "" {
			t.Errorf("open says %q", stderr)
		}
		lines := strings.Split(strings.TrimSuffix(opened, "\n"), "\n")
		if len(lines) != n {
			t.Fatalf("%d lines, want %d", len(lines), n)
		}
		for i, line := range lines {
			if !strings.Contains(line, fmt.Sprintf(`"sub":"u-%d"`, i)) || !strings.HasSuffix(line, fmt.Sprintf(`"email":"ada%d@example.com"}`, i)) {
				t.Errorf("line %d: %s", i+1, line)
			}
		}
	}
}

// A run that is stopped says where, and all lines that it has written are whole.
func TestBulkStopped(t *testing.T) {
	needsRing(t)
	t.Setenv("HOME", t.TempDir())
	runOK(t, "", "keys", "init")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, lines := io.Pipe()
	defer lines.Close()
	results, out := io.Pipe()
	go func() {
		fmt.Fprint(lines, "{\"a\":1}\n{\"a\":2}\n")
		first := make([]byte, 100)
		io.ReadFull(results, first)
		go io.Copy(io.Discard, results)
		stop() // the input stays open
	}()
	var stderr bytes.Buffer
	args := []string{"seal", "--jsonl", "--iss", "https://id.example.com", "--aud", "https://api.example.com"}
	if code := run(ctx, args, in, out, &stderr); code != console.ExitIO {
		t.Errorf("exit code %d", code)
	}
	if want := "sealjwt: stopped after line 2, and 0 of 2 lines failed: go on with --skip 2, and append to the result\n"; stderr.String() != want {
		t.Errorf("stderr: %q", stderr.String())
	}
}
