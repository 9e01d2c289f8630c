package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A ring that was made with a short passphrase still opens, although no slot can be made with one
// now.
func TestShortPassphraseOpens(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	kek, err := keyring.PassphraseKEK([]byte("kurz"))
	if err != nil {
		t.Fatal(err)
	}
	ring, phrase := filepath.Join(dir, "ring"), filepath.Join(dir, "phrase")
	if _, err := keyring.Create(t.Context(), keyring.Config{Store: filestore.New(ring), KEK: kek}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(phrase, []byte("kurz\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runOK(t, "", "keys", "list", "--ring", ring, "--passphrase-file", phrase)
	runOK(t, "kurz", "keys", "list", "--ring", ring, "--passphrase-file", "-")
}

func TestSlotsOf(t *testing.T) {
	for text, want := range map[string]slots{
		``:            nil,
		`[]`:          nil,
		`{"slots":1}`: nil,
		`{"v":2,"slots":[{"kek":"OyFf3nleXN5uFd2X","jwe":"x"},{"kek":"passphrase"},{"kek":"kms:a"}]}`: {
			{ID: "OyFf3nleXN5uFd2X", Kind: "key file"}, {ID: "passphrase", Kind: "passphrase"}, {ID: "kms:a", Kind: "other"}},
	} {
		got := slotsOf([]byte(text))
		if len(got) != len(want) {
			t.Errorf("%s: %v", text, got)
			continue
		}
		for i := range got {
			if got[i] != want[i] || !got.has(want[i].ID) {
				t.Errorf("%s: %v, want %v", text, got, want)
			}
		}
	}
}
