package peers

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// floor is the least that a token of this form costs. It calls the standard library in a straight
// line, checks nothing, chooses nothing and allocates nothing of its own. It serves one pair of
// keys and one shape of header, knows the place of every part, and keeps its memory for the next
// token.
//
// It makes and opens real tokens, which the other contenders open and make. So it leaves no step
// out, and all texts have their usual length.
type floor struct {
	floorKeys
	profile     benchProfile
	inner       []byte // with the dot after it, encoded
	header      []byte // header of the JWE
	signed, out []byte
	raw         []byte
}

var b64 = base64.RawURLEncoding

// newFloor takes the header from a token, and replaces its epk in each new token.
func newFloor(t testing.TB, k *benchKeys, p benchProfile, token string) contender {
	t.Helper()
	part, _, _ := strings.Cut(token, ".")
	header, err := b64.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	f := &floor{floorKeys: newFloorKeys(t, k, header), profile: p, header: header, raw: make([]byte, 2*len(token))}
	inner := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":%q}`, k.sig.Alg(), benchSigningKid, typ)
	f.inner = append(b64.AppendEncode(nil, []byte(inner)), '.')
	return contender{"floor", f.seal, f.open}
}

func (f *floor) seal() (string, error) {
	claims, err := json.Marshal(newBenchClaims(f.profile))
	if err != nil {
		return "", err
	}
	f.signed = append(f.signed[:0], f.inner...)
	f.signed = b64.AppendEncode(f.signed, claims)
	signature, err := f.sign(f.signed)
	if err != nil {
		return "", err
	}
	f.signed = append(f.signed, '.')
	f.signed = b64.AppendEncode(f.signed, signature)

	cek, encryptedKey, err := f.newContentKey(f.header)
	if err != nil {
		return "", err
	}
	f.out = b64.AppendEncode(f.out[:0], f.header)
	aead, err := newGCM(cek)
	if err != nil {
		return "", err
	}
	sealed := aead.Seal(f.raw[:0], nil, f.signed, f.out)
	const iv, tag = 12, 16
	for _, part := range [][]byte{encryptedKey, sealed[:iv], sealed[iv : len(sealed)-tag], sealed[len(sealed)-tag:]} {
		f.out = append(f.out, '.')
		f.out = b64.AppendEncode(f.out, part)
	}
	return string(f.out), nil
}

// newGCM draws its nonces itself and writes them first, as FIPS 140-3 demands.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (f *floor) open(token string) (*benchProfile, error) {
	f.out = append(f.out[:0], token...)
	protected, rest, _ := bytes.Cut(f.out, []byte("."))
	encryptedKey, rest, _ := bytes.Cut(rest, []byte("."))
	raw, err := b64.AppendDecode(f.raw[:0], protected)
	if err != nil {
		return nil, err
	}
	header := raw
	if raw, err = b64.AppendDecode(raw, encryptedKey); err != nil {
		return nil, err
	}
	cek, err := f.contentKey(header, raw[len(header):])
	if err != nil {
		return nil, err
	}
	start := len(raw)
	for part := range bytes.SplitSeq(rest, []byte(".")) {
		if raw, err = b64.AppendDecode(raw, part); err != nil {
			return nil, err
		}
	}
	aead, err := newGCM(cek)
	if err != nil {
		return nil, err
	}
	signed, err := aead.Open(raw[start:start], nil, raw[start:], protected)
	if err != nil {
		return nil, err
	}
	payload := signed[len(f.inner):]
	payload = payload[:slices.Index(payload, '.')]
	input := signed[:len(f.inner)+len(payload)]
	signature, err := b64.AppendDecode(raw[len(raw):], signed[len(input)+1:])
	if err != nil {
		return nil, err
	}
	if !f.verify(input, signature) {
		return nil, errors.New("signature")
	}
	text, err := b64.AppendDecode(f.signed[:0], payload)
	if err != nil {
		return nil, err
	}
	f.signed = text
	c := new(benchClaims)
	return &c.benchProfile, json.Unmarshal(text, c)
}
