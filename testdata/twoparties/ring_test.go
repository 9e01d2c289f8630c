package twoparties

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

// A party was killed before it wrote its ring. It makes the ring with the key that it left.
func TestPartyRingAfterKill(t *testing.T) {
	p := &party.Party{Folder: t.TempDir()}
	if _, err := keyring.CreateKEKFile(filepath.Join(p.Folder, "kek")); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"first", "again"} {
		if _, err := p.Ring(t.Context(), keys.UseSig); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// A ring has lost its key. The party makes no other key for it.
func TestPartyRingWithoutKey(t *testing.T) {
	p := &party.Party{Folder: t.TempDir()}
	if _, err := p.Ring(t.Context(), keys.UseSig); err != nil {
		t.Fatal(err)
	}
	kek := filepath.Join(p.Folder, "kek")
	if err := os.Remove(kek); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ring(t.Context(), keys.UseSig); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its key: %v", err)
	}
	if _, err := os.Stat(kek); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the key file: %v", err)
	}
}

// If the figures of a program and of its ring differ, no token would be issued, or no key would
// change.
func TestPartyRingOfAnotherPolicy(t *testing.T) {
	short := keyring.Policy{TokenLifetime: 20 * time.Second}
	for _, c := range []struct{ made, started keyring.Policy }{{short, keyring.Policy{}}, {keyring.Policy{}, short}} {
		p := &party.Party{Folder: t.TempDir(), Policy: c.made}
		if _, err := p.Ring(t.Context(), keys.UseSig); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Ring(t.Context(), keys.UseSig); err != nil {
			t.Errorf("with the same policy: %v", err)
		}
		p.Policy = c.started
		if _, err := p.Ring(t.Context(), keys.UseSig); err == nil || !strings.Contains(err.Error(), "-policy") {
			t.Errorf("with another policy: %v", err)
		}
	}
}
