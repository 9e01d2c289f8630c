package keys

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}

func TestContentRoundTrip(t *testing.T) {
	for _, c := range allContents {
		cek := bytes.Repeat([]byte{7}, c.KeySize())
		for _, size := range []int{0, 1, 15, 16, 17, 1000} {
			plaintext, aad := bytes.Repeat([]byte{'p'}, size), []byte("header")
			iv, ciphertext, tag, err := c.Encrypt(cek, aad, plaintext)
			if err != nil || len(iv) != c.IVSize() || len(tag) != c.TagSize() {
				t.Fatalf("%v: %v, iv of %d bytes, tag of %d", c, err, len(iv), len(tag))
			}
			got, err := c.Decrypt(cek, aad, iv, ciphertext, tag)
			if err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("%v: %d bytes came back as %d, %v", c, size, len(got), err)
			}
			iv2, _, _, _ := c.Encrypt(cek, aad, plaintext)
			if bytes.Equal(iv, iv2) {
				t.Errorf("%v: the same initialization vector twice", c)
			}
		}
	}
}

// Whatever is wrong, the error is the same one.
func TestContentRefuses(t *testing.T) {
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[0] ^= 1; return b } // of a CBC key the half that authenticates
	for _, c := range allContents {
		cek, aad := bytes.Repeat([]byte{7}, c.KeySize()), []byte("header")
		iv, ciphertext, tag, err := c.Encrypt(cek, aad, []byte("seventeen bytes!!"))
		if err != nil {
			t.Fatal(err)
		}
		n := len(ciphertext)
		for name, f := range map[string]func() ([]byte, error){
			"wrong key":      func() ([]byte, error) { return c.Decrypt(flip(cek), aad, iv, ciphertext, tag) },
			"short key":      func() ([]byte, error) { return c.Decrypt(cek[1:], aad, iv, ciphertext, tag) },
			"long key":       func() ([]byte, error) { return c.Decrypt(append(cek, 0), aad, iv, ciphertext, tag) },
			"no key":         func() ([]byte, error) { return c.Decrypt(nil, aad, iv, ciphertext, tag) },
			"aad":            func() ([]byte, error) { return c.Decrypt(cek, flip(aad), iv, ciphertext, tag) },
			"iv":             func() ([]byte, error) { return c.Decrypt(cek, aad, flip(iv), ciphertext, tag) },
			"short iv":       func() ([]byte, error) { return c.Decrypt(cek, aad, iv[1:], ciphertext, tag) },
			"long iv":        func() ([]byte, error) { return c.Decrypt(cek, aad, append(iv, 0), ciphertext, tag) },
			"no iv":          func() ([]byte, error) { return c.Decrypt(cek, aad, nil, ciphertext, tag) },
			"iv shifted":     func() ([]byte, error) { return c.Decrypt(cek, aad, append(iv, ciphertext[0]), ciphertext[1:], tag) },
			"ciphertext":     func() ([]byte, error) { return c.Decrypt(cek, aad, iv, flip(ciphertext), tag) },
			"short":          func() ([]byte, error) { return c.Decrypt(cek, aad, iv, ciphertext[:n-1], tag) },
			"no ciphertext":  func() ([]byte, error) { return c.Decrypt(cek, aad, iv, nil, tag) },
			"tag":            func() ([]byte, error) { return c.Decrypt(cek, aad, iv, ciphertext, flip(tag)) },
			"short tag":      func() ([]byte, error) { return c.Decrypt(cek, aad, iv, ciphertext, tag[:len(tag)-1]) },
			"no tag":         func() ([]byte, error) { return c.Decrypt(cek, aad, iv, ciphertext, nil) },
			"tag shifted":    func() ([]byte, error) { return c.Decrypt(cek, aad, iv, ciphertext[:n-1], join(ciphertext[n-1:], tag)) },
			"tag shifted up": func() ([]byte, error) { return c.Decrypt(cek, aad, iv, join(ciphertext, tag[:1]), tag[1:]) },
			"other content":  func() ([]byte, error) { return (c + 1).Decrypt(cek, aad, iv, ciphertext, tag) },
			"no such":        func() ([]byte, error) { return Content(9).Decrypt(cek, aad, iv, ciphertext, tag) },
		} {
			if got, err := f(); err != errDecrypt || got != nil {
				t.Errorf("%v, %s: %q, %v", c, name, got, err)
			}
		}
		if _, _, _, err := c.Encrypt(cek[1:], aad, nil); err == nil {
			t.Errorf("%v: a short key encrypts", c)
		}
	}
}

// RFC 7518 appendices B.1 and B.3.
func TestContentVectors(t *testing.T) {
	plaintext := []byte("A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy without inconvenience")
	aad := []byte("The second principle of Auguste Kerckhoffs")
	iv := unhex(t, "1af38c2dc2b96ffdd86694092341bc04")
	for _, v := range []struct {
		content         Content
		ciphertext, tag string
	}{
		{
			A128CBCHS256,
			"c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef71427e2" +
				"fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b" +
				"384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e2db",
			"652c3fa36b0a7c5b3219fab3a30bc1c4",
		},
		{
			A256CBCHS512,
			"4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2" +
				"e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3" +
				"a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6",
			"4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
		},
	} {
		cek := make([]byte, v.content.KeySize())
		for i := range cek {
			cek[i] = byte(i)
		}
		got, err := v.content.Decrypt(cek, aad, iv, unhex(t, v.ciphertext), unhex(t, v.tag))
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%v: %q, %v", v.content, got, err)
		}
	}
}

// What is encrypted here opens with go-jose, and the other way round.
func TestContentAgainstGoJose(t *testing.T) {
	for _, c := range allContents {
		cek := bytes.Repeat([]byte{3}, c.KeySize())
		enc := jose.ContentEncryption(c.String())

		header := strict.EncodeBase64URL([]byte(`{"alg":"dir","enc":"` + c.String() + `"}`))
		iv, ciphertext, tag, err := c.Encrypt(cek, []byte(header), []byte("ours"))
		if err != nil {
			t.Fatal(err)
		}
		ours := header + ".." + strict.EncodeBase64URL(iv) + "." + strict.EncodeBase64URL(ciphertext) + "." + strict.EncodeBase64URL(tag)
		obj := must(jose.ParseEncryptedCompact(ours, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{enc}))(t)
		if got, err := obj.Decrypt(cek); err != nil || string(got) != "ours" {
			t.Errorf("%v, go-jose: %q, %v", c, got, err)
		}

		e := must(jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.DIRECT, Key: cek}, nil))(t)
		theirs := must(must(e.Encrypt([]byte("theirs")))(t).CompactSerialize())(t)
		parts := bytes.Split([]byte(theirs), []byte("."))
		decode := func(i int) []byte { return must(strict.DecodeBase64URL(string(parts[i])))(t) }
		if got, err := c.Decrypt(cek, parts[0], decode(2), decode(3), decode(4)); err != nil || string(got) != "theirs" {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
}
