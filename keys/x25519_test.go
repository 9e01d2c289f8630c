package keys

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// RFC 8037 appendix A.6 has the private key of the sender and Bob's public key.
const (
	a6Sender = `{"kty":"OKP","crv":"X25519","d":"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"}`
	a6Bob    = `{"kty":"OKP","crv":"X25519","kid":"Bob","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`
	a6Z      = "Sl2dW6TOLeFyjjv0gDUPJeB-IclH0Z4zdvCbPB4WF0I"
)

func TestRFC8037A6(t *testing.T) {
	sender, bob := must(ParseKey([]byte(a6Sender), Hint{}))(t), must(ParseKey([]byte(a6Bob), Hint{}))(t)
	if sender.Suite() != ECDHESX25519 || bob.Suite() != ECDHESX25519 || bob.HasPrivate() || bob.ID() != "Bob" {
		t.Fatalf("%v and %v", sender.Suite(), bob.Suite())
	}
	if x := b64(sender.Public().(*ecdh.PublicKey).Bytes()); x != "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo" {
		t.Errorf("the public key is %s", x)
	}
	if z := must(sender.exchange(t.Context(), bob.Public().(*ecdh.PublicKey)))(t); b64(z) != a6Z {
		t.Errorf("the shared secret is %s", b64(z))
	}
	// A point of another curve gives an error.
	if _, err := sender.exchange(t.Context(), generated(t, ECDHES).Public().(*ecdh.PublicKey)); err == nil {
		t.Error("it agrees with a key on P-256")
	}
}

func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	for i := range 16 {
		b[i], b[31-i] = b[31-i], b[i]
	}
	return b
}

// lowOrder returns all points of low order, on the curve and on its twist, below the prime
// (https://cr.yp.to/ecdh.html#validate).
func lowOrder(t *testing.T) [][]byte {
	t.Helper()
	var points [][]byte
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for _, text := range []string{
		"0", "1",
		"325606250916557431795983626356110631294008115727848805560023387167927233504",
		"39382357235489614581723060781553021112529911719440698176882885853963445705823",
		new(big.Int).Sub(p, big.NewInt(1)).String(),
	} {
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			t.Fatal(text)
		}
		points = append(points, littleEndian(n))
	}
	return points
}

// Every function that takes a key refuses a point whose shared secret every attacker knows.
func TestX25519LowOrder(t *testing.T) {
	for _, x := range lowOrder(t) {
		text := asJSON(t, map[string]any{"kty": "OKP", "crv": "X25519", "x": b64(x)})
		_, err := ParseKey(text, Hint{})
		wantError(t, err, ErrWeakKey)
		pub := must(ecdh.X25519().NewPublicKey(x))(t)
		der := must(x509.MarshalPKIXPublicKey(pub))(t)
		_, err = ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), Hint{Suite: ECDHESA256KWX25519})
		wantError(t, err, ErrWeakKey)
		if p := must(ParsePublicSet(jwks(t, json.RawMessage(text))))(t); len(p.Keys()) != 0 || len(p.Skipped()) != 1 {
			t.Errorf("%x is in a set", x)
		}
	}
}

// A second spelling of a point would give one key a second thumbprint. Then one key could stand in
// a set twice.
func TestX25519Canonical(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	top := func(x []byte) []byte { x[31] |= 0x80; return x }
	at := func(over int64) []byte { return littleEndian(new(big.Int).Add(p, big.NewInt(over))) }
	base := littleEndian(big.NewInt(9))
	for name, c := range map[string]struct {
		x    []byte
		want error
	}{
		"the base point":             {base, nil},
		"the largest below p":        {at(-2), nil},
		"the base point beyond p":    {at(9), ErrMalformed},
		"p":                          {at(0), ErrMalformed},
		"2^255 - 1":                  {at(18), ErrMalformed},
		"with the unused bit":        {top(bytes.Clone(base)), ErrMalformed},
		"p with the unused bit":      {top(at(0)), ErrMalformed},
		"zero with the unused bit":   {top(make([]byte, 32)), ErrMalformed},
		"of the twist":               {littleEndian(big.NewInt(2)), nil},
		"all but the lowest byte ff": {append([]byte{0xec}, at(-1)[1:]...), ErrWeakKey},
	} {
		_, err := ParseKey(asJSON(t, map[string]any{"kty": "OKP", "crv": "X25519", "x": b64(c.x)}), Hint{})
		if wantError(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestX25519Refuses(t *testing.T) {
	public, private := bareJWK(t, jwk.X25519, false), bareJWK(t, jwk.X25519, true)
	other := asMap(t, generated(t, ECDHESX25519).jwk)
	for name, c := range map[string]struct {
		jwk  map[string]any
		as   Hint
		want error
	}{
		"use sig":               {with(public, map[string]any{"use": "sig"}), Hint{}, ErrUnsupported},
		"asked to verify":       {public, Hint{Use: UseSig}, ErrUnsupported},
		"key_ops of signing":    {with(public, map[string]any{"key_ops": []string{"verify"}}), Hint{}, ErrUnsupported},
		"use sig, alg":          {with(public, map[string]any{"use": "sig", "alg": "ECDH-ES"}), Hint{}, ErrUnsupported},
		"alg EdDSA":             {with(public, map[string]any{"alg": "EdDSA"}), Hint{}, ErrUnsupported},
		"alg RSA-OAEP-256":      {with(public, map[string]any{"alg": "RSA-OAEP-256"}), Hint{}, ErrUnsupported},
		"the name of the suite": {with(public, map[string]any{"alg": "ECDH-ES/X25519"}), Hint{}, ErrUnsupported},
		"the name of the other": {with(public, map[string]any{"alg": "ECDH-ES+A256KW/X25519"}), Hint{Suite: ECDHESA256KWX25519}, ErrUnsupported},
		"alg X25519":            {with(public, map[string]any{"alg": "X25519"}), Hint{}, ErrUnsupported},
		"asked of P-256":        {with(public, map[string]any{"alg": "ECDH-ES"}), Hint{Suite: ECDHES}, ErrUnsupported},
		"bare, asked of P-256":  {public, Hint{Suite: ECDHESA256KW}, ErrUnsupported},
		"other mode":            {with(public, map[string]any{"alg": "ECDH-ES"}), Hint{Suite: ECDHESA256KWX25519}, ErrUnsupported},
		"P-256 as X25519":       {with(bareJWK(t, jwk.P256, false), map[string]any{"alg": "ECDH-ES"}), Hint{Suite: ECDHESX25519}, ErrUnsupported},
		"of kty EC":             {with(public, map[string]any{"kty": "EC"}), Hint{}, ErrUnsupported},
		"crv in small letters":  {with(public, map[string]any{"crv": "x25519"}), Hint{}, ErrUnsupported},

		"no x":          {with(public, map[string]any{"x": nil}), Hint{}, ErrMalformed},
		"empty x":       {with(public, map[string]any{"x": ""}), Hint{}, ErrMalformed},
		"short x":       {with(public, map[string]any{"x": b64(make([]byte, 31))}), Hint{}, ErrMalformed},
		"long x":        {with(public, map[string]any{"x": b64(bytes.Repeat([]byte{1}, 33))}), Hint{}, ErrMalformed},
		"private, no x": {with(private, map[string]any{"x": nil}), Hint{}, ErrMalformed},
		"short d":       {with(private, map[string]any{"d": b64(make([]byte, 31))}), Hint{}, ErrMalformed},
		"long d":        {with(private, map[string]any{"d": private["d"].(string) + "AAAA"}), Hint{}, ErrMalformed},
		"empty d":       {with(private, map[string]any{"d": ""}), Hint{}, ErrMalformed},
		"d a number":    {with(private, map[string]any{"d": 1}), Hint{}, ErrMalformed},
		"halves":        {with(private, map[string]any{"d": other["d"]}), Hint{}, ErrMalformed},
	} {
		k, err := ParseKey(asJSON(t, c.jwk), c.as)
		if k != nil {
			t.Errorf("%s: accepted", name)
		}
		if wantError(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
		checkNoSecrets(t, err, private, other)
	}
}

// An Ed25519 key belongs to another algorithm, although its bytes have the right length.
func TestX25519IsNotEd25519(t *testing.T) {
	pub := generated(t, EdDSA).Public().(ed25519.PublicKey)
	if _, err := newKey("k", ECDHESX25519, pub); err == nil {
		t.Error("an Ed25519 key agrees")
	}
	x := must(ecdh.X25519().NewPublicKey(pub))(t)
	_, err := newKey("k", EdDSA, x)
	wantError(t, err, ErrUnsupported)
	_, err = newKey("k", ECDHESX25519, must(ecdh.P256().GenerateKey(nil))(t).PublicKey())
	wantError(t, err, ErrUnsupported)
	_, err = FromSigner("k", ECDHESX25519, publicOnly{x})
	wantError(t, err, ErrUnsupported)
}

// Public is called for every sealed token, so it returns the stored key.
func TestPublicIsStored(t *testing.T) {
	for _, suite := range []Suite{ES256, RSAOAEP256, RSAOAEP, ECDHES, ECDHESA256KW, ECDHESX25519, ECDHESA256KWX25519} {
		k := generated(t, suite)
		if n := testing.AllocsPerRun(10, func() { k.Public() }); n != 0 || k.Public() != k.Public() {
			t.Errorf("%v: %v allocations", suite, n)
		}
	}
}

// Both curves have one alg in a header. The epk tells which curve it is.
func TestDecryptionKeysOfCurve(t *testing.T) {
	p256, x25519, rsa := generated(t, ECDHES), generated(t, ECDHESX25519), generated(t, RSAOAEP256)
	s := must(NewSet(SetConfig{Decryption: []*Key{rsa.Key, x25519.Key, p256.Key}}))(t)
	for _, k := range []ownKey{p256, x25519, rsa} {
		h := must(ReadHeader(must(strict.ParseObject(sealed(t, k.Key, A256GCM, "").header))(t)))(t)
		if got := s.DecryptionKeys(h); len(got) != 1 || got[0] != k.Key {
			t.Errorf("%v: %d keys are tried", k.Suite(), len(got))
		}
	}
}
