package keys

import (
	"bytes"
	"encoding/hex"
	"slices"
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
			sealed := must(c.AppendEncrypt([]byte("before"), cek, aad, plaintext))(t)
			sealed, ok := bytes.CutPrefix(sealed, []byte("before"))
			if !ok {
				t.Fatalf("%v: the text before the token is gone", c)
			}
			got, err := c.AppendDecrypt([]byte("before"), cek, aad, sealed)
			if err != nil || !bytes.Equal(got, append([]byte("before"), plaintext...)) {
				t.Errorf("%v: %d bytes came back as %q, %v", c, size, got, err)
			}
			again := must(c.AppendEncrypt(nil, cek, aad, plaintext))(t)
			if bytes.Equal(sealed[:c.IVSize()], again[:c.IVSize()]) {
				t.Errorf("%v: the same initialization vector twice", c)
			}
			if got, err := c.AppendDecrypt(sealed[:0], cek, aad, sealed); err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("%v: %d bytes in place came back as %d, %v", c, size, len(got), err)
			}
		}
	}
}

// Whatever is wrong, the error is the same one.
func TestContentRefuses(t *testing.T) {
	// Of a CBC key the first half authenticates.
	flip := func(b []byte, i int) []byte { b = bytes.Clone(b); b[i] ^= 1; return b }
	for _, c := range allContents {
		cek, aad := bytes.Repeat([]byte{7}, c.KeySize()), []byte("header")
		sealed := must(c.AppendEncrypt(nil, cek, aad, []byte("seventeen bytes!!")))(t)
		iv, end := c.IVSize(), len(sealed)-c.TagSize()
		for name, v := range map[string]struct {
			c                Content
			cek, aad, sealed []byte
		}{
			"wrong key":       {c, flip(cek, 0), aad, sealed},
			"short key":       {c, cek[1:], aad, sealed},
			"long key":        {c, append(bytes.Clone(cek), 0), aad, sealed},
			"no key":          {c, nil, aad, sealed},
			"aad":             {c, cek, flip(aad, 0), sealed},
			"no aad":          {c, cek, nil, sealed},
			"iv":              {c, cek, aad, flip(sealed, 0)},
			"short iv":        {c, cek, aad, sealed[1:]},
			"long iv":         {c, cek, aad, append([]byte{0}, sealed...)},
			"no iv":           {c, cek, aad, sealed[iv:]},
			"ciphertext":      {c, cek, aad, flip(sealed, iv)},
			"ciphertext, end": {c, cek, aad, flip(sealed, end-1)},
			"no ciphertext":   {c, cek, aad, slices.Concat(sealed[:iv], sealed[end:])},
			"byte missing":    {c, cek, aad, slices.Concat(sealed[:end-1], sealed[end:])},
			"tag":             {c, cek, aad, flip(sealed, end)},
			"tag, end":        {c, cek, aad, flip(sealed, len(sealed)-1)},
			"short tag":       {c, cek, aad, sealed[:len(sealed)-1]},
			"long tag":        {c, cek, aad, append(bytes.Clone(sealed), 0)},
			"no tag":          {c, cek, aad, sealed[:end]},
			"iv alone":        {c, cek, aad, sealed[:iv]},
			"a byte too few":  {c, cek, aad, sealed[:iv+c.TagSize()-1]},
			"nothing":         {c, cek, aad, nil},
			"other content":   {c + 1, cek, aad, sealed},
			"no such":         {Content(9), cek, aad, sealed},
		} {
			if got, err := v.c.AppendDecrypt(nil, v.cek, v.aad, v.sealed); err != errDecrypt || got != nil {
				t.Errorf("%v, %s: %q, %v", c, name, got, err)
			}
		}
		if _, err := c.AppendEncrypt(nil, cek[1:], aad, nil); err == nil {
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
		got, err := v.content.AppendDecrypt(nil, cek, aad, slices.Concat(iv, unhex(t, v.ciphertext), unhex(t, v.tag)))
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
		sealed := must(c.AppendEncrypt(nil, cek, []byte(header), []byte("ours")))(t)
		iv, end := c.IVSize(), len(sealed)-c.TagSize()
		ours := header + ".." + strict.EncodeBase64URL(sealed[:iv]) + "." + strict.EncodeBase64URL(sealed[iv:end]) + "." + strict.EncodeBase64URL(sealed[end:])
		obj := must(jose.ParseEncryptedCompact(ours, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{enc}))(t)
		if got, err := obj.Decrypt(cek); err != nil || string(got) != "ours" {
			t.Errorf("%v, go-jose: %q, %v", c, got, err)
		}

		e := must(jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.DIRECT, Key: cek}, nil))(t)
		theirs := must(must(e.Encrypt([]byte("theirs")))(t).CompactSerialize())(t)
		parts := bytes.Split([]byte(theirs), []byte("."))
		decode := func(i int) []byte { return must(strict.DecodeBase64URL(string(parts[i])))(t) }
		if got, err := c.AppendDecrypt(nil, cek, parts[0], slices.Concat(decode(2), decode(3), decode(4))); err != nil || string(got) != "theirs" {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
}
