//go:build unix

package keyring_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// enforced skips the test unless the process runs with GODEBUG=fips140=only. Then every algorithm
// that FIPS 140-3 does not approve is an error or a panic.
func enforced(t *testing.T) {
	t.Helper()
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	// This proves that the mode is on: most implementations of JWE decrypt in this way.
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cipher.NewGCM(block); err == nil {
		t.Fatal("GCM with nonces of the caller's choice works in this mode")
	}
}

var fipsSuites = []keys.Suite{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256, keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256}

// A ring in a file goes through every change, under each sort of KEK.
func TestFIPSRing(t *testing.T) {
	enforced(t)
	ctx := t.Context()
	var imported [][]byte
	for _, suite := range fipsSuites {
		data, err := jwk.Generate(suite.String())
		fipsNo(t, err)
		imported = append(imported, data)
	}
	for name, newKEK := range map[string]func(dir string) (keyring.KEK, error){
		"key file": func(dir string) (keyring.KEK, error) { return keyring.CreateKEKFile(filepath.Join(dir, "kek")) },
		"passphrase": func(string) (keyring.KEK, error) {
			return keyring.PassphraseKEK([]byte("correct horse battery staple"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			kek, err := newKEK(dir)
			fipsNo(t, err)
			store := filestore.New(filepath.Join(dir, "ring"))
			ring, err := keyring.Create(ctx, keyring.Config{Store: store, KEK: kek})
			fipsNo(t, err)
			for _, data := range imported {
				_, err := ring.Import(ctx, data, keys.Hint{}, keyring.Staged)
				fipsNo(t, err)
			}
			for _, use := range []keys.Use{keys.UseSig, keys.UseEnc} {
				_, err := ring.RotateNowInsecurely(ctx, use)
				fipsNo(t, err)
				_, err = ring.Rotate(ctx, use)
				fipsNo(t, err)
			}
			set, err := ring.PrivateKeys(ctx)
			fipsNo(t, err)
			k, err := set.SigningKey()
			fipsNo(t, err)
			_, err = ring.Revoke(ctx, keyring.Revocation{KeyID: k.ID(), Reason: "compromised"})
			fipsNo(t, err)

			second, err := keyring.NewKEK(bytes.Repeat([]byte{2}, 32))
			fipsNo(t, err)
			fipsNo(t, ring.AddKEK(ctx, second))
			fipsNo(t, ring.Rewrap(ctx, kek, second))
			for _, kek := range []keyring.KEK{kek, second} {
				again, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: kek})
				fipsNo(t, err)
				fipsUseAll(t, again)
			}
		})
	}
}

// A passphrase has less than the 112 bits that HMAC alone would want of a key. PBKDF2 accepts it.
// Otherwise the mode would lock out half of all users.
func TestFIPSShortPassphrase(t *testing.T) {
	enforced(t)
	kek, err := keyring.PassphraseKEK([]byte("pw"))
	fipsNo(t, err)
	store := keyring.NewMemStore()
	_, err = keyring.Create(t.Context(), keyring.Config{Store: store, KEK: kek, Uses: []keys.Use{keys.UseSig}})
	fipsNo(t, err)
	other, err := keyring.PassphraseKEK([]byte("pv"))
	fipsNo(t, err)
	if _, err := keyring.Open(t.Context(), keyring.Config{Store: store, KEK: other}); !errors.Is(err, keyring.ErrUnreadable) {
		t.Errorf("another passphrase: %v", err)
	}
}

// fipsUseAll publishes the ring's keys and reads them back. This computes each thumbprint anew.
func fipsUseAll(t *testing.T, ring *keyring.Ring) {
	t.Helper()
	infos, err := ring.Keys(t.Context())
	fipsNo(t, err)
	var suites []keys.Suite
	for _, k := range infos {
		suites = append(suites, k.Suite)
	}
	for _, s := range fipsSuites {
		if !slices.Contains(suites, s) {
			t.Errorf("the ring lost its %v key", s)
		}
	}
	public, err := ring.PublicKeys(t.Context(), "")
	fipsNo(t, err)
	text, err := public.MarshalJSON()
	fipsNo(t, err)
	parsed, err := keys.ParsePublicSet(text)
	fipsNo(t, err)
	if len(parsed.Keys()) != len(public.Keys()) || len(parsed.Skipped()) != 0 {
		t.Errorf("%d keys of %d came back", len(parsed.Keys()), len(public.Keys()))
	}
}

// In the mode the rings open that were written without it.
func TestFIPSGoldenRings(t *testing.T) {
	enforced(t)
	kek := goldenKEK(t, "v1.kek")
	phrase, err := keyring.PassphraseKEK([]byte("an example passphrase, no secret"))
	fipsNo(t, err)
	for file, kek := range map[string]keyring.KEK{"v1.ring": kek, "v1-passphrase.ring": phrase} {
		ring, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(private(t, file, t.TempDir(), "ring")), KEK: kek})
		fipsNo(t, err)
		checkGolden(t, ring, goldenKeys["v1"])
	}
}

// A ring with a key that the mode does not allow is refused, and the error says why: such a ring
// would decrypt some tokens and not others.
func TestFIPSGoldenSuites(t *testing.T) {
	enforced(t)
	path := private(t, "v2-suites.ring", t.TempDir(), "ring")
	_, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(path), KEK: goldenKEK(t, "v2.kek")})
	if !errors.Is(err, keyring.ErrUnreadable) || !strings.Contains(err.Error(), "fips140=only does not allow") {
		t.Errorf("%v", err)
	}
}

// fipsNo ends the test on an error.
func fipsNo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
