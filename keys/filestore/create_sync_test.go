//go:build unix

package filestore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A process was killed after it made the KEK file and before it had finished. The next process
// makes the ring and removes the rest of that file. A process that finds the ring removes it too.
func TestOpenOrCreateRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	kekPath, ringPath := filepath.Join(dir, "etc", "kek"), filepath.Join(dir, "ring")
	_, err := keyring.CreateKEKFile(kekPath)
	must(t, err)
	for _, what := range []string{"no ring", "a ring"} {
		must(t, os.Link(kekPath, filepath.Join(dir, "etc", ".kek-1110180341")))
		_, err := OpenOrCreate(t.Context(), ringPath, kekPath)
		must(t, err)
		leftovers, err := filepath.Glob(filepath.Join(dir, "etc", ".kek-*"))
		must(t, err)
		if len(leftovers) != 0 {
			t.Errorf("%s: the folder holds %v", what, leftovers)
		}
	}
}
