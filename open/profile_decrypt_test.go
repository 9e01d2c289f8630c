package open

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"strings"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// otherContent is a content encryption; sizes in bytes.
type otherContent struct {
	enc          string
	key, iv, tag int
	decrypt      func(cek, aad, iv, ciphertext, tag []byte) ([]byte, error)
}

// otherContents are those that are not offered.
var otherContents = map[string]otherContent{
	"A192GCM": {"A192GCM", 24, 12, 16, decryptWith(func(cek []byte) (cipher.AEAD, error) {
		block, err := aes.NewCipher(cek)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	})},
	"A192CBC-HS384": {"A192CBC-HS384", 48, 16, 24, decryptWith(func(cek []byte) (cipher.AEAD, error) {
		return josecipher.NewCBCHMAC(cek, aes.NewCipher)
	})},
}

func decryptWith(mode func(cek []byte) (cipher.AEAD, error)) func(cek, aad, iv, ciphertext, tag []byte) ([]byte, error) {
	return func(cek, aad, iv, ciphertext, tag []byte) ([]byte, error) {
		aead, err := mode(cek)
		if err != nil {
			return nil, err
		}
		return aead.Open(nil, iv, append(bytes.Clone(ciphertext), tag...), aad)
	}
}

// extendedDecrypt decides about a JWE for which the shipped half has no key, or not
// the content encryption.
func (p *profile) extendedDecrypt(token string) ([]byte, error) {
	j, zipped, err := parseCompressed(token)
	if err != nil {
		return nil, err
	}
	content, err := j.anyContent()
	if err != nil {
		return nil, err
	}
	k, err := p.other(j.header)
	if err != nil {
		return nil, err
	}
	cek, err := k.contentKey(j, content)
	if err != nil {
		return nil, err
	}
	if len(cek) != content.key {
		return nil, ErrNotAuthentic
	}
	iv, ciphertext, tag := j.split()
	plaintext, err := content.decrypt(cek, []byte(j.parts[0]), iv, ciphertext, tag)
	if err != nil || !zipped {
		return plaintext, err
	}
	return io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(plaintext)), DefaultMaxSize))
}

// offeredContents are those that are offered, for the keys that are not.
var offeredContents = map[string]otherContent{
	"A128GCM":       {"A128GCM", 16, 12, 16, otherContents["A192GCM"].decrypt},
	"A256GCM":       {"A256GCM", 32, 12, 16, otherContents["A192GCM"].decrypt},
	"A128CBC-HS256": {"A128CBC-HS256", 32, 16, 16, otherContents["A192CBC-HS384"].decrypt},
	"A256CBC-HS512": {"A256CBC-HS512", 64, 16, 32, otherContents["A192CBC-HS384"].decrypt},
}

// anyContent has the shipped code decode the parts, and checks their lengths.
func (j *jwe) anyContent() (otherContent, error) {
	if err := j.decode(); err != nil {
		return otherContent{}, err
	}
	enc := encOf(j)
	c, known := otherContents[enc]
	if !known {
		c, known = offeredContents[enc]
	}
	if enc == "" {
		return otherContent{}, fmt.Errorf("%w: no enc", ErrMalformed)
	}
	if !known {
		return otherContent{}, fmt.Errorf("%w: enc is %s", ErrAlgorithm, enc)
	}
	if iv, _, tag := j.split(); len(iv) != c.iv || len(tag) != c.tag {
		return otherContent{}, fmt.Errorf("%w: an initialization vector of %d bytes and a tag of %d", ErrMalformed, len(iv), len(tag))
	}
	return c, nil
}

// encOf returns the enc of a header, empty when it has none.
func encOf(j *jwe) string {
	raw, _ := strict.DecodeBase64URL(j.parts[0])
	members, _ := strict.ParseObject(raw)
	enc, _, _ := members.Text("enc")
	return enc
}

// parseCompressed is parseEnvelope, but takes zip, which the shipped code refuses in
// every header, when it says DEF: one vector has it. All else is parsed as ever.
func parseCompressed(token string) (j *jwe, zipped bool, err error) {
	first, rest, _ := strings.Cut(token, ".")
	raw, _ := strict.DecodeBase64URL(first) // of an error nothing is read
	members, _ := strict.ParseObject(raw)
	if zip, _, _ := members.Text("zip"); zip != "DEF" {
		j, err = parseEnvelope(token)
		return j, false, err
	}
	text := []byte("{")
	for name, value := range members.All() {
		if name != "zip" {
			text = strict.AppendMember(text, name, value)
		}
	}
	if j, err = parseEnvelope(strict.EncodeBase64URL(append(text, '}')) + "." + rest); err == nil {
		j.parts[0] = first // is what was authenticated
	}
	return j, true, err
}

// bytesOf is a member of a header in base64url, such as an epk's x; it has to be there.
func bytesOf(o strict.Object, name string) ([]byte, error) {
	s, ok, err := o.Text(name)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: no %s in the header", ErrMalformed, name)
	}
	return strict.DecodeBase64URL(s)
}

// unwrap is RFC 7518 section 4.4 for a key of any length.
func unwrap(kek []byte, j *jwe, c otherContent) ([]byte, error) {
	if len(j.decoded[0]) != c.key+8 {
		return nil, fmt.Errorf("%w: an encrypted key of %d bytes", ErrMalformed, len(j.decoded[0]))
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	return josecipher.KeyUnwrap(block, j.decoded[0])
}
