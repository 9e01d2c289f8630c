//go:build !unix

package kekfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/access"
)

// On a system without the modes of Unix, Read refuses every key file, and Create makes none.
func TestUnsupported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	if k, err := Create(path); k != nil || !errors.Is(err, access.ErrRefused) {
		t.Errorf("Create: %v, want ErrRefused", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("Create made the file")
	}
	if err := os.WriteFile(path, make([]byte, Size), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := Read(path); k != nil || !errors.Is(err, access.ErrRefused) {
		t.Errorf("Read: %v, want ErrRefused", err)
	}
}
