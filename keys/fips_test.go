package keys

import (
	"bytes"
	"crypto/fips140"
	"encoding/hex"
	"testing"
)

// The primitives of a token give the published values.
func TestFIPSPrimitives(t *testing.T) {
	if !fips140.Enforced() {
		t.Skip("run it with GODEBUG=fips140=only")
	}
	// RFC 3394 section 4.6: 256 bits of key data under 256 bits of KEK.
	kek, data := fipsHex(t, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"), fipsHex(t, "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")
	wrapped, err := wrapKey(kek, data)
	if want := fipsHex(t, "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"); err != nil || !bytes.Equal(wrapped, want) {
		t.Errorf("AES Key Wrap: %x, %v", wrapped, err)
	}
	if got := unwrapKey(kek, wrapped, make([]byte, len(data))); !bytes.Equal(got, data) {
		t.Errorf("AES Key Unwrap: %x", got)
	}
	// RFC 7518 appendix C: Concat KDF.
	z := []byte{158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196}
	if got := (agreement{}).derive(new(contentKey), ECDHES, z, A128GCM, []byte("Alice"), []byte("Bob")); hex.EncodeToString(got) != "56aa8deaf8236d205c2228cd71a7101a" {
		t.Errorf("Concat KDF: %x", got)
	}
	k, err := GenerateKey(ECDHES)
	fipsNo(t, err)
	for _, c := range []Content{A256GCM, A128GCM, A256CBCHS512, A128CBCHS256} {
		sender, err := newSender(k, c, bytes.Repeat([]byte{1}, contents[c].key), nil, nil)
		fipsNo(t, err)
		parts := sender.Seal(nil, []byte("aad"), []byte("plaintext"))
		open := func() ([]byte, error) {
			r, err := newRecipient(c, bytes.Repeat([]byte{1}, contents[c].key), [4][]byte{nil, bytes.Clone(parts[1]), bytes.Clone(parts[2]), bytes.Clone(parts[3])})
			fipsNo(t, err)
			return r.Open([]byte("aad"))
		}
		if got, err := open(); err != nil || string(got) != "plaintext" {
			t.Errorf("%v: %v", c, err)
		}
		parts[3][0] ^= 1
		if _, err := open(); err == nil {
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
