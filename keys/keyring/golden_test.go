//go:build unix

package keyring_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// private copies a file of testdata/rings into dir. It sets the mode, which git does not keep.
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

// goldenKEK returns the KEK in a file of testdata/rings. The file is text, which KEKFile refuses.
func goldenKEK(t *testing.T, name string) keyring.KEK {
	t.Helper()
	key, err := os.ReadFile(filepath.Join("../../testdata/rings", name))
	if err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.NewKEK(key)
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

// The rings of every released version open for ever, with the keys and states of the day on which
// they were written.
func TestGoldenRings(t *testing.T) {
	keks := map[string]keyring.KEK{"v1": goldenKEK(t, "v1.kek"), "v2": goldenKEK(t, "v2.kek")}
	phrase, err := keyring.PassphraseKEK([]byte("an example passphrase, no secret"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		version, file string
		kek           keyring.KEK
	}{
		"v1, key file":               {"v1", "v1.ring", keks["v1"]},
		"v1, key file of two slots":  {"v1", "v1-passphrase.ring", keks["v1"]},
		"v1, passphrase of the same": {"v1", "v1-passphrase.ring", phrase},
		"v2, key file":               {"v2", "v2.ring", keks["v2"]},
		"v2, key file of two slots":  {"v2", "v2-passphrase.ring", keks["v2"]},
		"v2, passphrase of the same": {"v2", "v2-passphrase.ring", phrase},
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
			want := goldenKeys[c.version]
			checkGolden(t, ring, want)
			identity := ring.Checkpoint().Ring
			if (identity == "") != (c.version == "v1") {
				t.Errorf("identity %q", identity)
			}

			// The ring can be changed, and every KEK still opens it.
			data, err := jwk.Generate("ES256")
			if err != nil {
				t.Fatal(err)
			}
			kids, err := ring.Import(t.Context(), data, keys.Hint{}, keyring.Staged)
			if err != nil {
				t.Fatal(err)
			}
			if after, err := os.ReadFile(path); err != nil || bytes.Equal(before, after) {
				t.Errorf("not written: %v", err)
			}
			other, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(path), KEK: keks[c.version]})
			if err != nil {
				t.Fatal(err)
			}
			if infos, err := other.Keys(t.Context()); err != nil || len(infos) != len(want)+1 || infos[len(want)].ID != kids[0] {
				t.Errorf("%d keys after an import, %v", len(infos), err)
			}
			if now := other.Checkpoint().Ring; now == "" || identity != "" && now != identity {
				t.Errorf("identity %q, and it was %q", now, identity)
			}
		})
	}
}

type goldenKey struct {
	kid, alg         string // no alg: a tombstone that does not keep it
	state            keyring.State
	opens, published bool
}

var goldenKeys = map[string][]goldenKey{
	"v1": {
		{"lmCFW1MUMYai2kQj", "ES256", "destroyed", false, false},
		{"pkLu_54QG6APu7JA", "ES256", "revoked", false, false},
		{"KcCVmBCBDE91pf75", "RS256", "retired", false, true},
		{"7c9Ro6H-tUxsC4LQ", "ES256", "active", false, true},
		{"XaRVD7WxseP0KuGG", "EdDSA", "staged", false, true},
		{"BSGWWize_pqOTubs", "PS256", "staged", false, true},
		{"t0M8Z-YULALgGvU6", "ECDH-ES", "destroyed", false, false},
		{"1ujDgwr3M5FgiNzH", "ECDH-ES", "revoked", true, false},
		{"Vlc-GYL2mT1-DftC", "RSA-OAEP-256", "retired", true, false},
		{"5mzULC--gZLWJy5O", "ECDH-ES", "active", true, false}, // published, to encrypt to
		{"2D5_7dkzVtuqIyNB", "ECDH-ES+A256KW", "staged", true, false},
	},
	"v2": {
		{"yMjvjP56Hs2qrJRv", "", "destroyed", false, false},
		{"u66jm1co6mk75M7x", "", "revoked", false, false},
		{"my5v3FqW3vaHKuCt", "", "destroyed", false, false},
		{"iA46F8pT8YkH6OoT", "", "revoked", false, false},
		{"imported-enc", "", "revoked", false, false},
		{"imported-sig", "", "destroyed", false, false},
		{"QPrI8YC74vY1j9Gy", "ES256", "destroyed", false, false},
		{"GbrbT8rts6-er_hX", "ES256", "revoked", false, false},
		{"hpDxyOt75crlWiCt", "RS256", "retired", false, true},
		{"F-o_eMc2RBI_veDS", "ES256", "active", false, true},
		{"fI_ZtBbx-9xlfchV", "EdDSA", "staged", false, true},
		{"czFo1B2_xl3gyl5L", "PS256", "staged", false, true},
		{"4nnVFKOqascV8wLD", "ECDH-ES", "destroyed", false, false},
		{"seO7wWJ8puy8y6dz", "ECDH-ES", "revoked", true, false},
		{"zNGBQOB1thEOKy1_", "RSA-OAEP-256", "retired", true, false},
		{"lZazt64uuBCsDoC7", "ECDH-ES", "active", true, false}, // published, to encrypt to
		{"pcOWmp70OhSTL-L5", "ECDH-ES+A256KW", "staged", true, false},
	},
}

func checkGolden(t *testing.T, ring *keyring.Ring, keys []goldenKey) {
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
	if len(infos) != len(keys) {
		t.Fatalf("%d keys, want %d", len(infos), len(keys))
	}
	for i, want := range keys {
		if got := infos[i]; got.ID != want.kid || want.alg != "" && got.Suite.Alg() != want.alg || got.State != want.state {
			t.Errorf("key %d is %+v", i, got)
		}
		opens := holds(set, want.kid)
		verifies := public.HasVerificationKey(want.kid)
		if opens != want.opens || verifies != want.published {
			t.Errorf("%s (%s, %s): opens %v, verifies %v", want.kid, want.alg, want.state, opens, verifies)
		}
	}
	if k, err := set.SigningKey(); err != nil || k.ID() != goldenActive(keys, "ES256") {
		t.Errorf("the signing key: %v", err)
	}
	if k, err := public.EncryptionKey(); err != nil || k.ID() != goldenActive(keys, "ECDH-ES") {
		t.Errorf("the encryption key: %v", err)
	}
	fresh, err := keytest.NewRing().Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p, err := ring.Policy(t.Context()); err != nil || !reflect.DeepEqual(p, fresh) {
		t.Errorf("policy %+v, %v", p, err)
	}
}

// This ring has the suites that the other rings lack, one of them in its policy.
func TestGoldenSuites(t *testing.T) {
	path := private(t, "v2-suites.ring", t.TempDir(), "ring")
	ring, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(path), KEK: goldenKEK(t, "v2.kek")})
	if err != nil {
		t.Fatal(err)
	}
	infos, err := ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := ring.PrivateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		kid   string
		suite keys.Suite
		state keyring.State
	}{
		{"vVhnVSeyDc_drT9O", keys.ES256, keyring.Active},
		{"AkHQodWi3mIxM4uQ", keys.ECDHESX25519, keyring.Retired},
		{"PNxrqo1vKzCCmtJ8", keys.RSAOAEP, keyring.Active},
		{"S2jXSd14n-ijcctH", keys.ECDHESA256KWX25519, keyring.Staged},
	}
	if len(infos) != len(want) {
		t.Fatalf("%d keys, want %d", len(infos), len(want))
	}
	for i, want := range want {
		if got := infos[i]; got.ID != want.kid || got.Suite != want.suite || got.State != want.state {
			t.Errorf("key %d is %+v", i, got)
		}
		if opens := holds(set, want.kid); opens != (want.suite.Use() == keys.UseEnc) || opens && set.DecryptionKeys(keys.Header{KeyID: []byte(want.kid)})[0].Suite() != want.suite {
			t.Errorf("%s (%v): opens %v", want.kid, want.suite, opens)
		}
	}
	public, err := ring.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if k, err := public.EncryptionKey(keys.RSAOAEP); err != nil || k.ID() != want[2].kid {
		t.Errorf("the encryption key: %v", err)
	}
	if p, err := ring.Policy(t.Context()); err != nil || !slices.Equal(p.Enc.Suites, []keys.Suite{keys.RSAOAEP}) {
		t.Errorf("policy %+v, %v", p, err)
	}
}

func goldenActive(keys []goldenKey, alg string) string {
	return keys[slices.IndexFunc(keys, func(k goldenKey) bool { return k.alg == alg && k.state == "active" })].kid
}

// holds reports whether s has a decryption key with this kid.
func holds(s *keys.Set, kid string) bool {
	return len(s.DecryptionKeys(keys.Header{KeyID: []byte(kid)})) == 1
}
