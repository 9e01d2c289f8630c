package keys

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"
)

// sealedUnder returns a message like good whose content is encrypted under cek.
func sealedUnder(t *testing.T, good message, c Content, cek []byte) message {
	t.Helper()
	m := good.clone()
	m.parts[1], m.parts[2], m.parts[3] = encryptWith(t, c, cek, m.aad(), []byte("forged"))
	return m
}

// After a failed unwrapping the decrypter goes on with another key. An attacker who knows that key
// could forge tokens. Every guess at it is refused: zeros, an empty key, the raw output of AES Key
// Wrap or RSA.
func TestForgedContentKeys(t *testing.T) {
	for _, c := range allContents {
		n := contents[c].key
		zero := make([]byte, n)
		refused := func(suite Suite, what string, m message, k ownKey) {
			t.Helper()
			if got, err := m.open(t, k.Key); got != nil || err != errDecrypt {
				t.Errorf("%v, %v, %s: %q, %v", suite, c, what, got, err)
			}
		}
		for _, suite := range encryptionSuites {
			k := generated(t, suite)
			good := sealed(t, k.Key, c, "plaintext")
			refused(suite, "zero key", sealedUnder(t, good, c, zero), k)
			if len(good.parts[0]) == 0 {
				continue
			}
			bad := good.clone()
			rand.Read(bad.parts[0])
			bad.parts[0][0] = 0 // a number below every modulus
			refused(suite, "zero key, no such encrypted key", sealedUnder(t, bad, c, zero), k)
			clear(bad.parts[0])
			refused(suite, "zero key, encrypted key of zeros", sealedUnder(t, bad, c, zero), k)
		}

		// The sender of ECDH-ES+A256KW knows the key that wraps.
		for _, suite := range []Suite{ECDHESA256KW, ECDHESA256KWX25519} {
			k := generated(t, suite)
			public := k.public.(*ecdh.PublicKey)
			ephemeral := must(public.Curve().GenerateKey(rand.Reader))(t)
			kek := agreement{true}.derive(new(contentKey), suite, must(ephemeral.ECDH(public))(t), c, nil, nil)
			s := must(newSender(k.Key, c, bytes.Clone(zero), make([]byte, n+8), ephemeral.PublicKey()))(t)
			m := message{header: append(s.AppendHeader([]byte("{")), '}')}
			m.parts[0] = make([]byte, n+8)
			rand.Read(m.parts[0])
			raw := unwrapRaw(t, kek, m.parts[0])
			refused(suite, "the raw output of a failed unwrap", sealedUnder(t, m, c, raw), k)
			m.parts[0] = must(wrapKey(kek, raw))(t)
			if got, err := sealedUnder(t, m, c, raw).open(t, k.Key); err != nil || string(got) != "forged" {
				t.Fatalf("%v, %v: wrapped well it does not open either: %v", suite, c, err)
			}
		}

		for suite, hash := range map[Suite]crypto.Hash{RSAOAEP256: crypto.SHA256, RSAOAEP: crypto.SHA1} {
			forgeOAEP(t, suite, hash, c, refused)
		}
	}
}

// forgeOAEP forges messages to an RSA key. The sender knows the plaintext of the encrypted key,
// with and without padding.
func forgeOAEP(t *testing.T, suite Suite, hash crypto.Hash, c Content, refused func(Suite, string, message, ownKey)) {
	t.Helper()
	k, other := generated(t, suite), crypto.SHA1+crypto.SHA256-hash
	pub, n := k.public.(*rsa.PublicKey), contents[c].key
	encrypt := func(h crypto.Hash, text []byte, label string) []byte {
		return must(rsa.EncryptOAEP(h.New(), rand.Reader, pub, text, []byte(label)))(t)
	}
	good, zero := sealed(t, k.Key, c, "plaintext"), make([]byte, n)
	for _, size := range []int{0, 1, n - 1, n + 1, 2 * n} {
		m := good.clone()
		m.parts[0] = encrypt(hash, make([]byte, size), "")
		refused(suite, fmt.Sprintf("zero key, %d bytes encrypted", size), sealedUnder(t, m, c, zero), k)
	}
	raw := make([]byte, 256)
	rand.Read(raw[1:])
	m := good.clone()
	new(big.Int).Exp(new(big.Int).SetBytes(raw), big.NewInt(int64(pub.E)), pub.N).FillBytes(m.parts[0])
	for what, cek := range map[string][]byte{"end": raw[256-n:], "start": raw[:n], "start after the zero": raw[1 : n+1]} {
		refused(suite, "raw RSA, its "+what, sealedUnder(t, m, c, cek), k)
	}
	m.parts[0] = encrypt(hash, raw[:n], "label")
	refused(suite, "with a label", sealedUnder(t, m, c, raw[:n]), k)
	m.parts[0] = encrypt(other, raw[:n], "")
	refused(suite, "with "+other.String(), sealedUnder(t, m, c, raw[:n]), k)
	m.parts[0] = encrypt(hash, raw[:n], "")
	if got, err := sealedUnder(t, m, c, raw[:n]).open(t, k.Key); err != nil || string(got) != "forged" {
		t.Fatalf("%v, %v: encrypted well it does not open either: %v", suite, c, err)
	}
}

// unwrapRaw does the steps of RFC 3394 section 2.2.2 without the final check.
func unwrapRaw(t *testing.T, kek, wrapped []byte) []byte {
	t.Helper()
	block := must(aes.NewCipher(kek))(t)
	n := len(wrapped)/8 - 1
	a, r := bytes.Clone(wrapped[:8]), bytes.Clone(wrapped[8:])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			var count [8]byte
			binary.BigEndian.PutUint64(count[:], uint64(n*j+i))
			subtle.XORBytes(a, a, count[:])
			b := join(a, r[8*(i-1):8*i])
			block.Decrypt(b, b)
			copy(a, b[:8])
			copy(r[8*(i-1):], b[8:])
		}
	}
	return r
}

// A content encryption key of one algorithm does not serve another algorithm.
func TestContentKeyOfAnotherLength(t *testing.T) {
	for suite, hash := range map[Suite]crypto.Hash{RSAOAEP256: crypto.SHA256, RSAOAEP: crypto.SHA1} {
		k := generated(t, suite)
		pub := k.public.(*rsa.PublicKey)
		for _, says := range allContents {
			for _, is := range allContents {
				cek := bytes.Repeat([]byte{7}, contents[is].key)
				s := must(newSender(k.Key, says, make([]byte, contents[says].key), nil, nil))(t)
				m := message{header: append(s.AppendHeader([]byte("{")), '}')}
				m.parts[0] = must(rsa.EncryptOAEP(hash.New(), rand.Reader, pub, cek, nil))(t)
				m = sealedUnder(t, m, is, cek)
				if got, err := m.open(t, k.Key); (err == nil) != (says == is) || (got == nil) != (says != is) {
					t.Errorf("%v: %v in the header, %v in truth: %q, %v", suite, says, is, got, err)
				}
			}
		}
	}
}
