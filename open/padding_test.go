package open_test

import (
	"bytes"
	"crypto/aes"
	"fmt"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// The tag is right and the padding is wrong, which only the sender can cause. The error is the
// usual one: the token is not authentic.
func TestPadding(t *testing.T) {
	t.Parallel()
	repeated := func(b, n int) []byte { return bytes.Repeat([]byte{byte(b)}, n) }
	type row struct {
		name string
		pad  func(text []byte, missing int) []byte // fills the last block
		want error
	}
	rows := []row{
		{"right", func(text []byte, n int) []byte { return append(text, repeated(n, n)...) }, nil},
		{"more than a block", func(text []byte, n int) []byte { return append(text, repeated(n+16, n+16)...) }, open.ErrNotAuthentic},
		{"another byte", func(text []byte, n int) []byte { return append(append(text, repeated(7, n+15)...), byte(n+16-n%2)) }, open.ErrNotAuthentic},
		{"a block, of which the first byte is another", func(text []byte, n int) []byte {
			return append(append(text, repeated(7, n+1)...), repeated(16, 15)...)
		}, open.ErrNotAuthentic},
		{"no block", func([]byte, int) []byte { return nil }, open.ErrNotAuthentic},
	}
	for pad := range 256 {
		if pad == 0 || pad > aes.BlockSize {
			rows = append(rows, row{fmt.Sprintf("padding of %d", pad), func(text []byte, n int) []byte {
				return append(text, repeated(pad, n)...)
			}, open.ErrNotAuthentic})
		}
	}
	for _, content := range []keys.Content{keys.A128CBCHS256, keys.A256CBCHS512} {
		o := newOpener(t, config())
		check := func(name string, want error, encrypt func(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte)) {
			t.Helper()
			f := forgeWith(keys.ES256, keys.ECDHES, content)
			f.Seal = encrypt
			// The error is this value itself, and does not wrap it.
			if _, err := o.OpenAt(t.Context(), f.Token(), clock); err != want {
				t.Errorf("%v, %s: %v", content, name, err)
			}
		}
		for _, r := range rows {
			check(r.name, r.want, func(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte) {
				return forge.CBC(cek, iv, aad, r.pad(bytes.Clone(plaintext), aes.BlockSize-len(plaintext)%aes.BlockSize))
			})
		}
		for _, size := range []int{8, 24} {
			check("half a block", open.ErrNotAuthentic, func(cek, iv, aad, _ []byte) (ciphertext, tag []byte) {
				ciphertext = make([]byte, size)
				return ciphertext, forge.CBCTag(cek, iv, aad, ciphertext)
			})
		}
	}
}
