package ringjwe

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var (
	kek     = bytes.Repeat([]byte{1}, 32)
	ringKey = bytes.Repeat([]byte{2}, KeySize)
)

// recipients returns each way in which a ring is encrypted.
func recipients() map[string]jose.Recipient {
	return map[string]jose.Recipient{
		"key file":   {Algorithm: jose.A256KW, Key: kek},
		"passphrase": {Algorithm: jose.PBES2_HS512_A256KW, Key: []byte("phrase"), PBES2Count: 1000, PBES2Salt: bytes.Repeat([]byte{3}, 16)},
		"ring key":   {Algorithm: jose.DIRECT, Key: ringKey},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, r := range recipients() {
		plaintext := bytes.Repeat([]byte(name), 10)
		jwe := must(Encrypt(r, plaintext))(t)
		key := r.Key.([]byte)
		if got, err := Decrypt(jwe, r.Algorithm, key); err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if p := must(Split(jwe))(t); !strings.Contains(string(p.Header), `"enc":"A256CBC-HS512"`) {
			t.Errorf("%s: header %s", name, p.Header)
		}
		if must(Encrypt(r, plaintext))(t) == jwe {
			t.Errorf("%s: the same JWE twice", name)
		}
		other := bytes.Clone(key)
		other[0] ^= 1
		damaged := jwe[:len(jwe)-20] + strings.Map(func(c rune) rune {
			if c == 'A' {
				return 'B'
			}
			return 'A'
		}, jwe[len(jwe)-20:])
		for what, c := range map[string]struct {
			jwe string
			alg jose.KeyAlgorithm
			key []byte
		}{
			"another key":       {jwe, r.Algorithm, other},
			"another algorithm": {jwe, jose.A128KW, key},
			"damaged":           {damaged, r.Algorithm, key},
			"nothing":           {"", r.Algorithm, key},
		} {
			if got, err := Decrypt(c.jwe, c.alg, c.key); got != nil || err != ErrUnreadable { // a cause could help an attacker
				t.Errorf("%s, %s: %q, %v", name, what, got, err)
			}
		}
	}
}

// Decrypt reads one content encryption only, even under the right key.
func TestDecryptRefusesOtherContent(t *testing.T) {
	e := must(jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.A256KW, Key: kek}, nil))(t)
	jwe := must(must(e.Encrypt(ringKey))(t).CompactSerialize())(t)
	if got, err := Decrypt(jwe, jose.A256KW, kek); got != nil || err != ErrUnreadable {
		t.Errorf("%q, %v", got, err)
	}
}

// A wrapped key has one length. No reader would open a ring with another one.
func TestEncryptRefuses(t *testing.T) {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	for name, c := range map[string]struct {
		recipient jose.Recipient
		want      error
		text      string
	}{
		"no wrapped key":    {jose.Recipient{Algorithm: jose.ECDH_ES, Key: &p256.PublicKey}, nil, "no wrapped key"},
		"unknown algorithm": {jose.Recipient{Algorithm: "none", Key: kek}, ErrKEK, ErrKEK.Error()},
		"key of 31 bytes":   {jose.Recipient{Algorithm: jose.A256KW, Key: kek[:31]}, nil, "encrypting the ring"},
		"ring key of 63":    {jose.Recipient{Algorithm: jose.DIRECT, Key: ringKey[:63]}, ErrKEK, ErrKEK.Error()},
	} {
		jwe, err := Encrypt(c.recipient, ringKey)
		if jwe != "" || err == nil || !strings.Contains(err.Error(), c.text) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, jwe, err)
		}
	}
}

// A ring has one spelling only: an attacker who can write the ring must not have a second one.
func TestSplit(t *testing.T) {
	for name, r := range recipients() {
		jwe := must(Encrypt(r, ringKey))(t)
		fields := strings.Split(jwe, ".")
		p := must(Split(jwe))(t)
		for i, part := range [][]byte{p.Header, p.EncryptedKey, p.IV, p.Ciphertext, p.Tag} {
			if strict.EncodeBase64URL(part) != fields[i] {
				t.Errorf("%s: part %d is %x, want %s", name, i, part, fields[i])
			}
		}
		with := func(i int, text string) string {
			f := slices.Clone(fields)
			f[i] = text
			return strings.Join(f, ".")
		}
		cipher := p.Ciphertext
		for what, text := range map[string]string{
			"nothing":         "",
			"four parts":      strings.Join(fields[:4], "."),
			"six parts":       jwe + ".",
			"JSON":            `{"protected":"` + fields[0] + `"}`,
			"line feed":       with(3, fields[3][:4]+"\n"+fields[3][4:]),
			"padding":         with(4, fields[4]+"="),
			"spare bits":      with(4, fields[4][:len(fields[4])-1]+string(fields[4][len(fields[4])-1]+1)),
			"other alphabet":  with(3, "+/+/"),
			"IV of 15 bytes":  with(2, strict.EncodeBase64URL(p.IV[:15])),
			"IV of 17 bytes":  with(2, strict.EncodeBase64URL(append(bytes.Clone(p.IV), 0))),
			"tag of 31 bytes": with(4, strict.EncodeBase64URL(p.Tag[:31])),
			"moved octets": strings.Join([]string{fields[0], fields[1], fields[2], strict.EncodeBase64URL(cipher[:len(cipher)-16]),
				strict.EncodeBase64URL(slices.Concat(cipher[len(cipher)-16:], p.Tag))}, "."),
		} {
			if _, err := Split(text); err != ErrUnreadable {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}
