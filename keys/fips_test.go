package keys_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
)

// enforced leaves the test unless the process runs with GODEBUG=fips140=only, where
// whatever FIPS 140-3 does not approve is an error or a panic.
func enforced(t *testing.T) {
	t.Helper()
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	// The mode is what it says: this is how most implementations of JWE decrypt.
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cipher.NewGCM(block); err == nil {
		t.Fatal("GCM with nonces of the caller's choice works in this mode")
	}
}

var fipsSuites = []keys.Suite{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256, keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256}

// A ring in a file, under each sort of KEK, through all that is ever done to one.
func TestFIPSRing(t *testing.T) {
	enforced(t)
	ctx := t.Context()
	var imported []*keys.Key
	for _, suite := range fipsSuites {
		k, err := keys.Generate(suite)
		fipsNo(t, err)
		imported = append(imported, k)
	}
	for name, newKEK := range map[string]func(dir string) (keys.KEK, error){
		"key file":   func(dir string) (keys.KEK, error) { return keys.CreateKeyFile(filepath.Join(dir, "kek")) },
		"passphrase": func(string) (keys.KEK, error) { return keys.Passphrase([]byte("correct horse battery staple")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			kek, err := newKEK(dir)
			fipsNo(t, err)
			store := filestore.New(filepath.Join(dir, "ring"))
			ring, err := keys.Create(ctx, store, kek, keys.RingConfig{})
			fipsNo(t, err)
			for _, k := range imported {
				fipsNo(t, ring.Import(ctx, k, keys.Staged))
			}
			for _, use := range []keys.Use{keys.UseSig, keys.UseEnc} {
				_, err := ring.RotateNow(ctx, keys.Force{Use: use, InsecureSkipWindow: true})
				fipsNo(t, err)
				_, err = ring.Rotate(ctx, use)
				fipsNo(t, err)
			}
			set, err := ring.Private(ctx)
			fipsNo(t, err)
			k, err := set.SigningKey()
			fipsNo(t, err)
			_, err = ring.Revoke(ctx, keys.Revocation{KeyID: k.ID(), Reason: "compromised"})
			fipsNo(t, err)

			second, err := keys.RawKey(bytes.Repeat([]byte{2}, 32))
			fipsNo(t, err)
			fipsNo(t, ring.AddKEK(ctx, second))
			fipsNo(t, ring.Rewrap(ctx, kek, second))
			for _, kek := range []keys.KEK{kek, second} {
				again, err := keys.Open(ctx, store, kek)
				fipsNo(t, err)
				fipsUseAll(t, again)
			}
		})
	}
}

// A passphrase below the 112 bits that HMAC alone would want of a key: PBKDF2 takes
// it, or half of all users would be locked out by the mode.
func TestFIPSShortPassphrase(t *testing.T) {
	enforced(t)
	kek, err := keys.Passphrase([]byte("pw"))
	fipsNo(t, err)
	store := keys.MemStore()
	_, err = keys.Create(t.Context(), store, kek, keys.RingConfig{Uses: []keys.Use{keys.UseSig}})
	fipsNo(t, err)
	other, err := keys.Passphrase([]byte("pv"))
	fipsNo(t, err)
	if _, err := keys.Open(t.Context(), store, other); !errors.Is(err, keys.ErrUnreadable) {
		t.Errorf("another passphrase: %v", err)
	}
}

// fipsUseAll publishes the ring's keys and reads them back, which computes each
// thumbprint anew.
func fipsUseAll(t *testing.T, ring *keys.Ring) {
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
	public, err := ring.Public(t.Context(), "")
	fipsNo(t, err)
	text, err := public.MarshalJSON()
	fipsNo(t, err)
	parsed, err := keys.ParsePublicSet(text)
	fipsNo(t, err)
	if len(parsed.Keys()) != len(public.Keys()) || len(parsed.Skipped()) != 0 {
		t.Errorf("%d keys of %d came back", len(parsed.Keys()), len(public.Keys()))
	}
}

// The rings that were written without the mode are read in it.
func TestFIPSGoldenRings(t *testing.T) {
	enforced(t)
	dir := t.TempDir()
	kek, err := keys.KeyFile(private(t, "v1.kek", dir, "kek"))
	fipsNo(t, err)
	phrase, err := keys.Passphrase([]byte("an example passphrase, no secret"))
	fipsNo(t, err)
	for file, kek := range map[string]keys.KEK{"v1.ring": kek, "v1-passphrase.ring": phrase} {
		ring, err := keys.Open(t.Context(), filestore.New(private(t, file, t.TempDir(), "ring")), kek)
		fipsNo(t, err)
		checkGolden(t, ring)
	}
}

// The building blocks of a token against published values.
func TestFIPSPrimitives(t *testing.T) {
	enforced(t)
	// RFC 3394 section 4.6: 256 bits of key data under 256 bits of KEK.
	kek, data := fipsHex(t, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"), fipsHex(t, "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")
	wrapped, err := keys.WrapKey(kek, data)
	if want := fipsHex(t, "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"); err != nil || !bytes.Equal(wrapped, want) {
		t.Errorf("AES Key Wrap: %x, %v", wrapped, err)
	}
	if got, err := keys.UnwrapKey(kek, wrapped); err != nil || !bytes.Equal(got, data) {
		t.Errorf("AES Key Unwrap: %v", err)
	}
	// RFC 7518 appendix C: Concat KDF.
	z := []byte{158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196}
	if got := keys.ECDHES.AgreedKey(z, keys.A128GCM, []byte("Alice"), []byte("Bob")); hex.EncodeToString(got) != "56aa8deaf8236d205c2228cd71a7101a" {
		t.Errorf("Concat KDF: %x", got)
	}
	for _, c := range []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256} {
		cek := bytes.Repeat([]byte{1}, c.KeySize())
		sealed, err := c.AppendEncrypt(nil, cek, []byte("aad"), []byte("plaintext"))
		fipsNo(t, err)
		if got, err := c.AppendDecrypt(nil, cek, []byte("aad"), sealed); err != nil || string(got) != "plaintext" {
			t.Errorf("%v: %v", c, err)
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := c.AppendDecrypt(nil, cek, []byte("aad"), sealed); err == nil {
			t.Errorf("%v: a wrong tag", c)
		}
	}
}

func fipsHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	fipsNo(t, err)
	return b
}

// fipsNo ends the test on an error.
func fipsNo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
