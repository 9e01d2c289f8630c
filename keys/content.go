package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Content is a content encryption algorithm, the "enc" of a JWE (RFC 7518
// section 5). The zero value is A256GCM, the default.
type Content uint8

// The four contents. Every opener takes any of them with any key.
const (
	A256GCM      Content = iota // AES-256-GCM
	A128GCM                     // AES-128-GCM
	A256CBCHS512                // AES-256-CBC with HMAC-SHA-512
	A128CBCHS256                // AES-128-CBC with HMAC-SHA-256
)

const gcmNonceSize = 12

var contents = [...]struct {
	enc   string
	key   int // bytes
	frame frame
}{
	A256GCM:      {"A256GCM", 32, frame{gcmNonceSize, 16}},
	A128GCM:      {"A128GCM", 16, frame{gcmNonceSize, 16}},
	A256CBCHS512: {"A256CBC-HS512", 64, frame{aes.BlockSize, 32}},
	A128CBCHS256: {"A128CBC-HS256", 32, frame{aes.BlockSize, 16}},
}

// frame says how a mode's output is cut into the last three parts of a JWE: the lengths
// in bytes of the initialization vector and of the tag.
type frame struct{ iv, tag int }

// errDecrypt is the error of every failed decryption. It does not say why: a client that can
// tell a bad tag from bad padding has an oracle.
var errDecrypt = errors.New("keys: decryption failed")

// ParseContent returns the content encryption of a JOSE name ("enc"). It
// returns [ErrUnsupported] for every name that is not offered.
func ParseContent(enc string) (Content, error) {
	for i, c := range contents {
		if c.enc == enc {
			return Content(i), nil
		}
	}
	return 0, fmt.Errorf("%w: content encryption %s", ErrUnsupported, jwk.Quote(enc))
}

// String returns the JOSE name, and Content(N) for a number N that is none of the four.
func (c Content) String() string {
	if !c.valid() {
		return "Content(" + strconv.Itoa(int(c)) + ")"
	}
	return contents[c].enc
}

// valid reports whether c is one of the four contents.
func (c Content) valid() bool { return int(c) < len(contents) }

// contentKey has room for the longest content encryption key, and for a derived key. A caller
// keeps it on its stack, and so saves an allocation.
type contentKey [64]byte

// draw returns a new random content encryption key, in the memory of room.
func (c Content) draw(room *contentKey) []byte {
	cek := room[:contents[c].key]
	rand.Read(cek)
	return cek
}

// mode returns a function that returns the AEAD under the content encryption key cek, because fmt
// cannot print a key that is held in a closure. mode wipes cek.
func (c Content) mode(cek []byte) (func() cipher.AEAD, error) {
	defer clear(cek)
	if !c.valid() || len(cek) != contents[c].key {
		return nil, errors.New("keys: wrong length of the content encryption key")
	}
	// newGCM and newCBC are called directly and not from a table: then the compiler sees that the
	// key can stay on the caller's stack.
	if contents[c].frame.iv == gcmNonceSize {
		mode, err := newGCM(cek)
		return func() cipher.AEAD { return mode }, err
	}
	mode, err := newCBC(cek)
	return func() cipher.AEAD { return mode }, err
}

// newGCM returns a GCM that draws its nonces itself and puts the nonce before the ciphertext:
// with GODEBUG=fips140=only crypto/cipher offers no GCM whose caller chooses the nonce.
func newGCM(cek []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// newCBC copies cek, because the caller wipes cek, and the mode keeps one half of the key for the
// HMAC.
func newCBC(cek []byte) (cipher.AEAD, error) {
	// A new variable: to assign to cek would move the callers' array to the heap.
	key := bytes.Clone(cek)
	mode, err := josecipher.NewCBCHMAC(key, aes.NewCipher)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[len(key)/2:])
	return &cbcMode{mode, key[:len(key)/2], block}, err
}

// cbcMode is AES-CBC with HMAC, RFC 7518 section 5.2. Its Open copies the ciphertext only into
// dst. Open of go-jose copies the ciphertext twice, for the tag and to decrypt it, and package
// open may try three keys on a token without kid.
type cbcMode struct {
	cipher.AEAD
	macKey []byte
	block  cipher.Block
}

// Open checks the tag before it decrypts: a client that learns of bad padding has an oracle. Then
// Open decrypts in dst, which may overlap with iv and sealed.
func (m *cbcMode) Open(dst, iv, sealed, aad []byte) ([]byte, error) {
	n := len(sealed) - len(m.macKey) // the tag is as long as macKey
	if n < aes.BlockSize || n%aes.BlockSize != 0 || subtle.ConstantTimeCompare(m.tag(iv, sealed[:n], aad), sealed[n:]) != 1 {
		return nil, errDecrypt
	}
	mode := cipher.NewCBCDecrypter(m.block, iv) // copies the iv, which dst may overwrite
	opened := append(dst, sealed[:n]...)
	text := opened[len(dst):]
	mode.CryptBlocks(text, text)
	pad := int(text[n-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.Equal(text[n-pad:], bytes.Repeat(text[n-1:], pad)) {
		return nil, errDecrypt
	}
	return opened[:len(opened)-pad], nil
}

// tag returns the authentication tag, RFC 7518 section 5.2.2.1.
func (m *cbcMode) tag(iv, ciphertext, aad []byte) []byte {
	hash := sha512.New
	if len(m.macKey) == sha256.Size/2 {
		hash = sha256.New
	}
	mac := hmac.New(hash, m.macKey)
	mac.Write(aad)
	mac.Write(iv)
	mac.Write(ciphertext)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(aad))*8))
	return mac.Sum(nil)[:len(m.macKey)]
}
