package keyring_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// private copies a file of testdata/rings into dir with the mode that git does
// not keep.
func private(t *testing.T, name, dir, as string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/rings", name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, as)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// goldenKEK returns the KEK in v1.kek. It is a text, which KEKFile refuses.
func goldenKEK(t *testing.T) keyring.KEK {
	t.Helper()
	key, err := os.ReadFile("../../testdata/rings/v1.kek")
	if err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.NewKEK(key)
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

// The rings of every released version open for ever, with the keys and states
// that they were written with.
func TestGoldenRings(t *testing.T) {
	kek := goldenKEK(t)
	phrase, err := keyring.PassphraseKEK([]byte("an example passphrase, no secret"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		kek  keyring.KEK
	}{
		"key file":               {"v1.ring", kek},
		"key file of two slots":  {"v1-passphrase.ring", kek},
		"passphrase of the same": {"v1-passphrase.ring", phrase},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && c.kek == phrase {
				t.Skip("half a second for each passphrase")
			}
			dir := t.TempDir()
			path := private(t, c.file, dir, "ring")
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ring, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(path), KEK: c.kek})
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, ring)

			// It can be changed, and every KEK still opens it.
			data, err := jwk.Generate("ES256")
			if err != nil {
				t.Fatal(err)
			}
			kid, err := ring.Import(t.Context(), data, keys.Hint{}, keyring.Staged)
			if err != nil {
				t.Fatal(err)
			}
			if after, err := os.ReadFile(path); err != nil || bytes.Equal(before, after) {
				t.Errorf("not written: %v", err)
			}
			other, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(path), KEK: kek})
			if err != nil {
				t.Fatal(err)
			}
			if infos, err := other.Keys(t.Context()); err != nil || len(infos) != 12 || infos[11].ID != kid {
				t.Errorf("%d keys after an import, %v", len(infos), err)
			}
		})
	}
}

func checkGolden(t *testing.T, ring *keyring.Ring) {
	t.Helper()
	infos, err := ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := ring.PrivateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	public, err := ring.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		kid, alg         string
		state            keyring.State
		opens, published bool
	}{
		{"lmCFW1MUMYai2kQj", "ES256", "destroyed", false, false},
		{"pkLu_54QG6APu7JA", "ES256", "revoked", false, false},
		{"KcCVmBCBDE91pf75", "RS256", "retired", false, true},
		{"7c9Ro6H-tUxsC4LQ", "ES256", "active", false, true},
		{"XaRVD7WxseP0KuGG", "EdDSA", "staged", false, true},
		{"BSGWWize_pqOTubs", "PS256", "staged", false, true},
		{"t0M8Z-YULALgGvU6", "ECDH-ES", "destroyed", false, false},
		{"1ujDgwr3M5FgiNzH", "ECDH-ES", "revoked", true, false},
		{"Vlc-GYL2mT1-DftC", "RSA-OAEP-256", "retired", true, false},
		{"5mzULC--gZLWJy5O", "ECDH-ES", "active", true, false}, // published to encrypt to
		{"2D5_7dkzVtuqIyNB", "ECDH-ES+A256KW", "staged", true, false},
	} {
		if got := infos[i]; got.ID != want.kid || got.Suite.Alg() != want.alg || got.State != want.state {
			t.Errorf("key %d is %+v", i, got)
		}
		_, opens := set.DecryptionKey(want.kid)
		verifies := public.HasVerificationKey(want.kid)
		if opens != want.opens || verifies != want.published {
			t.Errorf("%s (%s, %s): opens %v, verifies %v", want.kid, want.alg, want.state, opens, verifies)
		}
	}
	if k, err := set.SigningKey(); err != nil || k.ID() != "7c9Ro6H-tUxsC4LQ" {
		t.Errorf("the signing key: %v", err)
	}
	if k, err := public.EncryptionKey(); err != nil || k.ID() != "5mzULC--gZLWJy5O" {
		t.Errorf("the encryption key: %v", err)
	}
	if p, err := ring.Policy(t.Context()); err != nil || !reflect.DeepEqual(p, keyring.DefaultPolicy()) {
		t.Errorf("policy %+v, %v", p, err)
	}
}
