package open_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// cbcTag is the authentication tag of RFC 7518 section 5.2.2.1.
func cbcTag(cek, iv, aad, ciphertext []byte) []byte {
	half := len(cek) / 2
	hash := sha512.New
	if half == 16 {
		hash = sha256.New
	}
	mac := hmac.New(hash, cek[:half])
	mac.Write(slices.Concat(aad, iv, ciphertext, binary.BigEndian.AppendUint64(nil, uint64(len(aad))*8)))
	return mac.Sum(nil)[:half]
}

// TestPadding: a ciphertext whose tag is right and whose padding is not, as only the sender can
// make it, is not authentic, like every other.
func TestPadding(t *testing.T) {
	t.Parallel()
	padded := func(pad func(text []byte, missing int) []byte) func(text []byte) []byte {
		return func(text []byte) []byte { return pad(text, aes.BlockSize-len(text)%aes.BlockSize) }
	}
	repeated := func(b, n int) []byte { return bytes.Repeat([]byte{byte(b)}, n) }
	for _, tt := range []struct {
		name string
		pad  func(text []byte) []byte // to whole blocks
		raw  []byte                   // instead of a ciphertext
		want error
	}{
		{"right", padded(func(text []byte, n int) []byte { return append(text, repeated(n, n)...) }), nil, nil},
		{"zero", padded(func(text []byte, n int) []byte { return append(text, repeated(0, n)...) }), nil, open.ErrNotAuthentic},
		{"more than a block", padded(func(text []byte, n int) []byte { return append(text, repeated(n+16, n+16)...) }), nil, open.ErrNotAuthentic},
		{"more than all", padded(func(text []byte, n int) []byte { return append(text, repeated(255, n)...) }), nil, open.ErrNotAuthentic},
		{"another byte", padded(func(text []byte, n int) []byte { return append(append(text, repeated(7, n+15)...), byte(n+16-n%2)) }), nil, open.ErrNotAuthentic},
		{"a block, of which the first byte is another", padded(func(text []byte, n int) []byte {
			return append(append(text, repeated(7, n+1)...), repeated(16, 15)...)
		}), nil, open.ErrNotAuthentic},
		{"no block", nil, []byte{}, open.ErrNotAuthentic},
		{"half a block", nil, make([]byte, 8), open.ErrNotAuthentic},
		{"a block and a half", nil, make([]byte, 24), open.ErrNotAuthentic},
	} {
		for _, content := range []keys.Content{keys.A128CBCHS256, keys.A256CBCHS512} {
			f := forgeWith(keys.ES256, keys.ECDHES, content)
			f.encryptContent = func(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte) {
				ciphertext = tt.raw
				if tt.pad != nil {
					ciphertext = tt.pad(bytes.Clone(plaintext))
					cipher.NewCBCEncrypter(must(aes.NewCipher(cek[len(cek)/2:])), iv).CryptBlocks(ciphertext, ciphertext)
				}
				return ciphertext, cbcTag(cek, iv, aad, ciphertext)
			}
			if tt.want == nil {
				accepted(t, config(), f.token())
				continue
			}
			if _, err := newOpener(t, config()).OpenAt(t.Context(), f.token(), clock); err != tt.want {
				t.Errorf("%v, %s: %v", content, tt.name, err)
			}
		}
	}
}
