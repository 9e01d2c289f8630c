package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdh"
	"testing"

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
	alice := must(ParseKey([]byte(aliceEphemeral), Hint{Suite: ECDHES}))(t)
	bob := must(ParseKey([]byte(bob), Hint{Suite: ECDHES}))(t)
	z := must(bob.exchange(t.Context(), alice.Public().(*ecdh.PublicKey)))(t)
	if want := []byte{
		158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156,
		251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
	}; !bytes.Equal(z, want) {
		t.Fatalf("shared secret %v", z)
	}
	got := strict.EncodeBase64URL(agreement{}.derive(new(contentKey), ECDHES, z, A128GCM, []byte("Alice"), []byte("Bob")))
	if got != "VqqN6vgjbSBcIijNcacQGg" {
		t.Errorf("agreed key %s", got)
	}
	if !bytes.Equal(z, make([]byte, 32)) {
		t.Error("the shared secret stays in memory")
	}
}

// A header can make the input of the KDF longer than the usual memory. Then the shared secret must
// stand in the longer memory only, which derive wipes.
func TestLongInputLeavesNoSecret(t *testing.T) {
	z, long := bytes.Repeat([]byte{0xd5}, 66), bytes.Repeat([]byte("a"), 1000)
	for name, x := range map[string]struct {
		id       string
		apu, apv []byte
	}{
		"id":   {string(long), nil, nil},
		"apu":  {"A256GCM", long, nil},
		"apv":  {"A256GCM", nil, long},
		"both": {"A256GCM", long[:700], long[:700]},
		"full": {"A256GCM", long[:192-20-len(z)-len("A256GCM")], nil},
		"one":  {"A256GCM", long[:192-20-len(z)-len("A256GCM")+1], nil},
	} {
		usual := make([]byte, 0, 192)
		in := appendInput(usual, z, x.id, x.apu, x.apv, 32)
		if len(in) != 20+len(z)+len(x.id)+len(x.apu)+len(x.apv) || !bytes.Contains(in, z) {
			t.Fatalf("%s: an input of %d bytes", name, len(in))
		}
		clear(in)
		if left := usual[:cap(usual)]; !bytes.Equal(left, make([]byte, len(left))) {
			t.Errorf("%s: the shared secret stays in memory", name)
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
		wrapped, err := wrapKey(unhex(t, v.kek), unhex(t, v.key))
		if err != nil || !bytes.Equal(wrapped, unhex(t, v.wrapped)) {
			t.Errorf("wrapped %x, %v", wrapped, err)
		}
		if key := unwrapKey(unhex(t, v.kek), wrapped, make([]byte, len(v.key)/2)); !bytes.Equal(key, unhex(t, v.key)) {
			t.Errorf("unwrapped %x", key)
		}
	}
}

func TestWrapKeyRefuses(t *testing.T) {
	kek, cek := make([]byte, 32), make([]byte, 32)
	if _, err := wrapKey(kek[:31], cek); err == nil {
		t.Error("a KEK of 31 bytes wraps")
	}
	if _, err := wrapKey(kek, cek[:31]); err == nil {
		t.Error("a key of 31 bytes is wrapped")
	}
	wrapped := must(wrapKey(kek, cek))(t)
	block := must(aes.NewCipher(kek))(t)
	short := must(josecipher.KeyWrap(block, cek[:8]))(t) // RFC 3394 wraps two blocks or more
	half := must(josecipher.KeyWrap(block, cek[:16]))(t) // a sound wrapping of a key with the length of another content encryption
	// The decrypter must go on with the key that was drawn before, and with no unwrapped one.
	other := bytes.Repeat([]byte{9}, 32)
	for name, x := range map[string]struct{ kek, wrapped []byte }{
		"KEK length":   {kek[:31], wrapped},
		"no KEK":       {nil, wrapped},
		"other KEK":    {bytes.Repeat([]byte{1}, 32), wrapped},
		"empty":        {kek, nil},
		"one block":    {kek, short},
		"odd length":   {kek, wrapped[:39]},
		"cut":          {kek, wrapped[:32]},
		"damaged":      {kek, join(wrapped[:39], []byte{wrapped[39] ^ 1})},
		"other length": {kek, half},
	} {
		if got := unwrapKey(x.kek, x.wrapped, other); !bytes.Equal(got, bytes.Repeat([]byte{9}, 32)) {
			t.Errorf("%s: %x", name, got)
		}
	}
}

func TestUnusablePoint(t *testing.T) {
	k := generated(t, ECDHES)
	if _, err := k.exchange(t.Context(), must(ecdh.X25519().NewPublicKey(make([]byte, 32)))(t)); err == nil {
		t.Error("agreed with a key on another curve")
	}
}
