package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// The share of the input grows while a single file is read. It is not known where an input is a
// folder or a pipe.
func TestScanProgress(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "log")
	if err := os.WriteFile(path, bytes.Repeat([]byte("a line\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &App{Console: console.New("sealjwt", strings.NewReader("x"), io.Discard, io.Discard)}
	for _, args := range [][]string{{"-"}, {folder}, {path, folder}, {path, "-"}} {
		if live := a.scanProgress(new(scan), args); live.Part != nil {
			t.Errorf("%q: the size is known", args)
		}
	}
	s := &scan{out: bufio.NewWriter(io.Discard)}
	s.live = a.scanProgress(s, []string{path, filepath.Join(folder, "nosuch"), path})
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, want := range []float64{0.25, 0.5} {
		if n, err := io.CopyN(io.Discard, watched{in, s}, 3500); err != nil || s.live.Part() != want {
			t.Errorf("after %d bytes %v is read (%v)", n, s.live.Part(), err)
		}
	}
	if got := s.live.Amount(3500); got != "3.5 kB" {
		t.Errorf("3500 bytes are written %s", got)
	}
}

// The summary names some files, and counts the others.
func TestSummaryIsBounded(t *testing.T) {
	var s summary
	for i := range 5000 {
		s.add(inputTally{name: fmt.Sprint("clean", i), tokens: 2})
		s.add(inputTally{name: fmt.Sprint("exposed", i), tokens: 3, exposing: 1})
	}
	s.add(inputTally{name: "long", limited: 2})
	var errs bytes.Buffer
	s.tell(console.New("sealjwt", nil, nil, &errs))
	lines := strings.Split(strings.TrimSuffix(errs.String(), "\n"), "\n")
	for i, want := range map[int]string{
		0: "clean0: 2 tokens, no personal data found", 19: "clean19: 2 tokens, no personal data found", 20: "and 4980 more files without personal data",
		21: "exposed0: 3 tokens, 1 with personal data", len(lines) - 1: "and 4001 more files with personal data or limits",
	} {
		if got := lines[i]; got != "sealjwt: "+want {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
	if len(lines) != maxNamedClean+1+maxNamed+1 {
		t.Errorf("%d lines", len(lines))
	}
	if got := (inputTally{tokens: 1, limited: 1}).String(); got != "1 token, no personal data found, and 1 limit reached" {
		t.Error(got)
	}
}
