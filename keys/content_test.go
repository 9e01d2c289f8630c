package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}

// encryptWith encrypts under a content encryption key and does not change it.
func encryptWith(t testing.TB, c Content, cek, aad, plaintext []byte) (iv, ciphertext, tag []byte) {
	t.Helper()
	s := must(newSender(&Key{suite: ECDHES}, c, bytes.Clone(cek), nil, nil))(t)
	parts := s.Seal(nil, aad, plaintext)
	return parts[1], parts[2], parts[3]
}

// decryptWith checks the lengths and then decrypts copies.
func decryptWith(c Content, cek, aad, iv, ciphertext, tag []byte) ([]byte, error) {
	h := Header{enc: c.String(), hasEnc: true}
	parts := [4][]byte{nil, bytes.Clone(iv), bytes.Clone(ciphertext), bytes.Clone(tag)}
	named, err := h.content(&parts)
	if err != nil {
		return nil, err
	}
	r, err := newRecipient(named, bytes.Clone(cek), parts)
	if err != nil {
		return nil, err
	}
	return r.Open(aad)
}

func TestContentRoundTrip(t *testing.T) {
	for _, c := range allContents {
		cek := bytes.Repeat([]byte{7}, contents[c].key)
		for _, size := range []int{0, 1, 15, 16, 17, 1000} {
			plaintext, aad := bytes.Repeat([]byte{'p'}, size), []byte("header")
			iv, ciphertext, tag := encryptWith(t, c, cek, aad, plaintext)
			if want := contents[c].frame; len(iv) != want.iv || len(tag) != want.tag {
				t.Fatalf("%v: iv of %d bytes, tag of %d", c, len(iv), len(tag))
			}
			got, err := decryptWith(c, cek, aad, iv, ciphertext, tag)
			if err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("%v: %d bytes came back as %d, %v", c, size, len(got), err)
			}
			if iv2, _, _ := encryptWith(t, c, cek, aad, plaintext); bytes.Equal(iv, iv2) {
				t.Errorf("%v: the same initialization vector twice", c)
			}
		}
	}
}

// If the lengths are right, every fault gives the same error.
func TestContentRefuses(t *testing.T) {
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[0] ^= 1; return b } // of a CBC key this is the half that authenticates
	for _, c := range allContents {
		cek, aad := bytes.Repeat([]byte{7}, contents[c].key), []byte("header")
		iv, ciphertext, tag := encryptWith(t, c, cek, aad, []byte("seventeen bytes!!"))
		n, m := len(ciphertext), len(tag)
		for name, x := range map[string]struct {
			cek, aad, iv, ciphertext, tag []byte
			want                          error
		}{
			"wrong key":      {flip(cek), aad, iv, ciphertext, tag, errDecrypt},
			"short key":      {cek[1:], aad, iv, ciphertext, tag, errDecrypt},
			"long key":       {join(cek, []byte{0}), aad, iv, ciphertext, tag, errDecrypt},
			"no key":         {nil, aad, iv, ciphertext, tag, errDecrypt},
			"zero key":       {make([]byte, len(cek)), aad, iv, ciphertext, tag, errDecrypt},
			"aad":            {cek, flip(aad), iv, ciphertext, tag, errDecrypt},
			"iv":             {cek, aad, flip(iv), ciphertext, tag, errDecrypt},
			"short iv":       {cek, aad, iv[1:], ciphertext, tag, ErrMalformed},
			"long iv":        {cek, aad, join(iv, []byte{0}), ciphertext, tag, ErrMalformed},
			"no iv":          {cek, aad, nil, ciphertext, tag, ErrMalformed},
			"iv shifted":     {cek, aad, join(iv, ciphertext[:1]), ciphertext[1:], tag, ErrMalformed},
			"iv shifted up":  {cek, aad, iv[:len(iv)-1], join(iv[len(iv)-1:], ciphertext), tag, ErrMalformed},
			"ciphertext":     {cek, aad, iv, flip(ciphertext), tag, errDecrypt},
			"short":          {cek, aad, iv, ciphertext[:n-1], tag, errDecrypt},
			"no ciphertext":  {cek, aad, iv, nil, tag, errDecrypt},
			"tag":            {cek, aad, iv, ciphertext, flip(tag), errDecrypt},
			"short tag":      {cek, aad, iv, ciphertext, tag[:m-1], ErrMalformed},
			"no tag":         {cek, aad, iv, ciphertext, nil, ErrMalformed},
			"tag shifted":    {cek, aad, iv, ciphertext[:n-1], join(ciphertext[n-1:], tag), ErrMalformed},
			"tag shifted up": {cek, aad, iv, join(ciphertext, tag[:1]), tag[1:], ErrMalformed},
		} {
			if got, err := decryptWith(c, x.cek, x.aad, x.iv, x.ciphertext, x.tag); !errors.Is(err, x.want) || got != nil {
				t.Errorf("%v, %s: %q, %v, want %v", c, name, got, err, x.want)
			}
		}
		for _, other := range []Content{(c + 1) % 4, 9} {
			if got, err := decryptWith(other, cek, aad, iv, ciphertext, tag); err == nil || got != nil {
				t.Errorf("%v as %v: %q", c, other, got)
			}
			if _, err := newRecipient(other, bytes.Clone(cek), [4][]byte{nil, iv, ciphertext, tag}); other == 9 && err != errDecrypt {
				t.Errorf("%v as %v: %v", c, other, err)
			}
		}
		if _, err := newSender(&Key{}, c, bytes.Clone(cek[1:]), nil, nil); err == nil {
			t.Errorf("%v: a short key encrypts", c)
		}
	}
}

// No content encryption key stays in the memory that a caller or a key in a KMS provided.
func TestContentKeyIsWiped(t *testing.T) {
	for _, c := range allContents {
		for _, size := range []int{contents[c].key, contents[c].key - 1} {
			cek := bytes.Repeat([]byte{7}, size)
			c.mode(cek)
			if !bytes.Equal(cek, make([]byte, size)) {
				t.Errorf("%v: %d bytes: %x", c, size, cek)
			}
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
		cek := make([]byte, contents[v.content].key)
		for i := range cek {
			cek[i] = byte(i)
		}
		got, err := decryptWith(v.content, cek, aad, iv, unhex(t, v.ciphertext), unhex(t, v.tag))
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%v: %q, %v", v.content, got, err)
		}
	}
}

// go-jose opens our content, and we open go-jose's.
func TestContentAgainstGoJose(t *testing.T) {
	for _, c := range allContents {
		cek := bytes.Repeat([]byte{3}, contents[c].key)
		enc := jose.ContentEncryption(c.String())

		header := strict.EncodeBase64URL([]byte(`{"alg":"dir","enc":"` + c.String() + `"}`))
		iv, ciphertext, tag := encryptWith(t, c, cek, []byte(header), []byte("ours"))
		ours := header + ".." + strict.EncodeBase64URL(iv) + "." + strict.EncodeBase64URL(ciphertext) + "." + strict.EncodeBase64URL(tag)
		obj := must(jose.ParseEncryptedCompact(ours, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{enc}))(t)
		if got, err := obj.Decrypt(cek); err != nil || string(got) != "ours" {
			t.Errorf("%v, go-jose: %q, %v", c, got, err)
		}

		e := must(jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.DIRECT, Key: cek}, nil))(t)
		theirs := must(must(e.Encrypt([]byte("theirs")))(t).CompactSerialize())(t)
		parts := bytes.Split([]byte(theirs), []byte("."))
		decode := func(i int) []byte { return must(strict.DecodeBase64URL(string(parts[i])))(t) }
		if got, err := decryptWith(c, cek, parts[0], decode(2), decode(3), decode(4)); err != nil || string(got) != "theirs" {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
}

// Wrong padding under a good tag is a failed decryption and gives no plaintext.
func TestPadding(t *testing.T) {
	for _, c := range []Content{A128CBCHS256, A256CBCHS512} {
		cek, iv, aad := bytes.Repeat([]byte{7}, contents[c].key), make([]byte, aes.BlockSize), []byte("header")
		mode := must(newCBC(cek))(t).(*cbcMode)
		for _, tt := range []struct {
			name, text string
			want       int // bytes of plaintext; -1: refused
		}{
			{"one byte", strings.Repeat("p", 15) + "\x01", 15},
			{"a block", strings.Repeat("\x10", 16), 0},
			{"a block behind a block", strings.Repeat("p", 16) + strings.Repeat("\x10", 16), 16},
			{"zero", strings.Repeat("p", 15) + "\x00", -1},
			{"more than a block", strings.Repeat("\x11", 32), -1},
			{"255", strings.Repeat("p", 15) + "\xff", -1},
			{"another byte among them", strings.Repeat("p", 13) + "\x03\x02\x03", -1},
			{"another first byte", strings.Repeat("p", 16) + "\x0f" + strings.Repeat("\x10", 15), -1},
		} {
			sealed := []byte(tt.text)
			cipher.NewCBCEncrypter(mode.block, iv).CryptBlocks(sealed, sealed)
			got, err := decryptWith(c, cek, aad, iv, sealed, mode.tag(iv, sealed, aad))
			if (err == nil) != (tt.want >= 0) || err == nil && len(got) != tt.want || err != nil && (err != errDecrypt || got != nil) {
				t.Errorf("%v, %s: %d bytes, %v", c, tt.name, len(got), err)
			}
		}
		for _, size := range []int{0, 1, 15, 17} { // no whole blocks
			sealed := make([]byte, size)
			if _, err := decryptWith(c, cek, aad, iv, sealed, mode.tag(iv, sealed, aad)); err != errDecrypt {
				t.Errorf("%v, a ciphertext of %d bytes: %v", c, size, err)
			}
		}
	}
}
