package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// The keys of RFC 7518 appendix C.
const (
	aliceEphemeral = `{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
		"y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps","d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"}`
	bob = `{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
		"y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}`
)

func TestAgreedKeyVector(t *testing.T) {
	alice := must(ParseKey([]byte(aliceEphemeral), As{Suite: ECDHES}))(t)
	bob := must(ParseKey([]byte(bob), As{Suite: ECDHES}))(t)
	z := must(bob.KeyExchanger().ECDH(alice.Public().(*ecdh.PublicKey)))(t)
	if want := []byte{
		158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156,
		251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
	}; !bytes.Equal(z, want) {
		t.Fatalf("shared secret %v", z)
	}
	got := strict.EncodeBase64URL(ECDHES.AgreedKey(z, A128GCM, []byte("Alice"), []byte("Bob")))
	if got != "VqqN6vgjbSBcIijNcacQGg" {
		t.Errorf("agreed key %s", got)
	}
}

// The key length and the name that goes into the derivation differ by suite and
// content: go-jose must come to the same for each pair.
func TestAgreedKeyAgainstGoJose(t *testing.T) {
	for _, suite := range []Suite{ECDHES, ECDHESA256KW} {
		for _, c := range allContents {
			k := generated(t, suite)
			pub := k.material.(*ecdsa.PublicKey)
			e := must(jose.NewEncrypter(jose.ContentEncryption(c.String()), jose.Recipient{Algorithm: jose.KeyAlgorithm(suite.Alg()), Key: pub}, nil))(t)
			token := must(must(e.Encrypt([]byte("plaintext")))(t).CompactSerialize())(t)
			parts := bytes.Split([]byte(token), []byte("."))
			decode := func(i int) []byte { return must(strict.DecodeBase64URL(string(parts[i])))(t) }
			var header struct{ EPK jose.JSONWebKey }
			if err := json.Unmarshal(decode(0), &header); err != nil {
				t.Fatal(err)
			}
			epk := must(header.EPK.Key.(*ecdsa.PublicKey).ECDH())(t)
			cek := suite.AgreedKey(must(k.KeyExchanger().ECDH(epk))(t), c, nil, nil)
			if suite == ECDHESA256KW {
				cek = must(UnwrapKey(cek, decode(1)))(t)
			}
			if got, err := c.AppendDecrypt(nil, cek, parts[0], slices.Concat(decode(2), decode(3), decode(4))); err != nil || string(got) != "plaintext" {
				t.Errorf("%v with %v: %q, %v", suite, c, got, err)
			}
		}
	}
}

// RFC 3394 sections 4.1, 4.3 and 4.6.
func TestWrapKeyVectors(t *testing.T) {
	const kek = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	for _, v := range []struct{ kek, key, wrapped string }{
		{kek[:32], "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
		{kek, "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
		{
			kek, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
			"28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
		},
	} {
		wrapped, err := WrapKey(unhex(t, v.kek), unhex(t, v.key))
		if err != nil || !bytes.Equal(wrapped, unhex(t, v.wrapped)) {
			t.Errorf("wrapped %x, %v", wrapped, err)
		}
		key, err := UnwrapKey(unhex(t, v.kek), wrapped)
		if err != nil || !bytes.Equal(key, unhex(t, v.key)) {
			t.Errorf("unwrapped %x, %v", key, err)
		}
	}
}

func TestWrapKeyRefuses(t *testing.T) {
	kek, cek := make([]byte, 32), make([]byte, 32)
	if _, err := WrapKey(kek[:31], cek); err == nil {
		t.Error("a KEK of 31 bytes wraps")
	}
	if _, err := WrapKey(kek, cek[:31]); err == nil {
		t.Error("a key of 31 bytes is wrapped")
	}
	wrapped := must(WrapKey(kek, cek))(t)
	block := must(aes.NewCipher(kek))(t)
	short := must(josecipher.KeyWrap(block, cek[:8]))(t) // RFC 3394 wraps two blocks or more
	for name, f := range map[string]func() ([]byte, error){
		"KEK length": func() ([]byte, error) { return UnwrapKey(kek[:31], wrapped) },
		"no KEK":     func() ([]byte, error) { return UnwrapKey(nil, wrapped) },
		"other KEK":  func() ([]byte, error) { return UnwrapKey(bytes.Repeat([]byte{1}, 32), wrapped) },
		"empty":      func() ([]byte, error) { return UnwrapKey(kek, nil) },
		"one block":  func() ([]byte, error) { return UnwrapKey(kek, short) },
		"odd length": func() ([]byte, error) { return UnwrapKey(kek, wrapped[:39]) },
		"cut":        func() ([]byte, error) { return UnwrapKey(kek, wrapped[:32]) },
		"damaged":    func() ([]byte, error) { return UnwrapKey(kek, append(bytes.Clone(wrapped[:39]), wrapped[39]^1)) },
	} {
		if got, err := f(); err != errDecrypt || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestUnusablePoint(t *testing.T) {
	k := generated(t, ECDHES)
	if _, err := k.KeyExchanger().ECDH(must(ecdh.X25519().NewPublicKey(make([]byte, 32)))(t)); err == nil {
		t.Error("agreed with a key on another curve")
	}
	if k.KeyExchanger().Curve() != ecdh.P256() || !k.KeyExchanger().PublicKey().Equal(k.Public()) {
		t.Error("the handle does not show the key's own public half")
	}
}
