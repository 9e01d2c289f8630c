package page

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestStarter(t *testing.T) {
	const url = "http://127.0.0.1:1/x/"
	for goos, want := range map[string][]string{
		"linux":   {"xdg-open", url},
		"freebsd": {"xdg-open", url},
		"darwin":  {"open", url},
		"windows": {"rundll32", "url.dll,FileProtocolHandler", url},
	} {
		if got := starter(goos, url); !slices.Equal(got, want) {
			t.Errorf("%s: %q", goos, got)
		}
	}
}

// TestOpenBrowser has a program in the place of xdg-open that says what it got.
func TestOpenBrowser(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the program has another name")
	}
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	if err := OpenBrowser("http://127.0.0.1:1/x/"); err == nil || !strings.Contains(err.Error(), "xdg-open") {
		t.Errorf("without the program the error is %v", err)
	}
	pipe := filepath.Join(folder, "said")
	if err := mkfifo(pipe); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$# $1\" >" + pipe + "\n"
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := OpenBrowser("http://127.0.0.1:1/x/"); err != nil {
		t.Fatal(err)
	}
	if said, err := os.ReadFile(pipe); err != nil || string(said) != "1 http://127.0.0.1:1/x/\n" {
		t.Errorf("the program gets %q, %v", said, err)
	}
}
