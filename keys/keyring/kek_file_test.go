//go:build unix

package keyring

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The wrappers return the right error, and say whether there is a file. Package kekfile has the
// tests of the files.
func TestKEKFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	made := must(CreateKEKFile(path))(t)
	key := must(os.ReadFile(path))(t)
	if want := must(NewKEK(key))(t).ID(); made.ID() != want || must(KEKFile(path))(t).ID() != want {
		t.Errorf("made %s, read %s, want %s", made.ID(), must(KEKFile(path))(t).ID(), want)
	}
	text := filepath.Join(t.TempDir(), "text")
	must[any](nil, os.WriteFile(text, []byte("a passphrase of 32 characters..."), 0o600))(t)
	for name, c := range map[string]struct {
		open func(string) (KEK, error)
		path string
		want error // besides ErrKEK
		text string
	}{
		"there is a file":  {CreateKEKFile, path, fs.ErrExist, "there is a key file already, " + path},
		"no path":          {CreateKEKFile, "", ErrKEK, "the path of the key file is empty"},
		"there is no file": {KEKFile, path + "2", fs.ErrNotExist, path + "2"},
		"a text":           {KEKFile, text, ErrKEK, text + " has 32 bytes of text, and must have exactly 32 random bytes"},
	} {
		k, err := c.open(c.path)
		if k != nil || !errors.Is(err, ErrKEK) || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if strings.Contains(err.Error(), "passphrase") {
			t.Errorf("%s: the error shows the content: %v", name, err)
		}
	}
	if !bytes.Equal(key, must(os.ReadFile(path))(t)) {
		t.Error("a KEK file was changed")
	}
}
