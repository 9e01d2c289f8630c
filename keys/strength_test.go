package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"math/big"
	"reflect"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// The parsers refuse the weak keys.
func TestWeakKeysAreNotParsed(t *testing.T) {
	for _, name := range []string{"rsa-1024-public.pem", "rsa-e3-public.pem", "rsa-4104-public.pem"} {
		for _, suite := range []Suite{RS256, PS256, RSAOAEP256, RSAOAEP} {
			_, err := ParseKey(readTestdata(t, "keys/"+name), Hint{Suite: suite})
			wantError(t, err, ErrWeakKey)
		}
	}
	_, err := ParseKey(readTestdata(t, "keys/rsa-roca.jwk"), Hint{})
	wantError(t, err, ErrWeakKey)
}

// ParseKey refuses the points of order 1, 2, 4 and 8, in every encoding that Go's verifier accepts.
func TestLowOrderPoints(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	order8, _ := new(big.Int).SetString("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
	other8 := new(big.Int).Sub(p, order8)
	for _, y := range []*big.Int{
		big.NewInt(0), big.NewInt(1), new(big.Int).Sub(p, big.NewInt(1)), p, new(big.Int).Add(p, big.NewInt(1)), order8, other8,
	} {
		for _, sign := range []byte{0, 0x80} {
			x := y.FillBytes(make([]byte, 32))
			for i := range 16 {
				x[i], x[31-i] = x[31-i], x[i]
			}
			x[31] |= sign
			_, err := newKey("k", EdDSA, ed25519.PublicKey(x))
			wantError(t, err, ErrWeakKey)
			_, err = ParseKey(pkixEd25519(x), Hint{})
			wantError(t, err, ErrWeakKey)
			text := asJSON(t, map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(x)})
			if _, err := ParseKey(text, Hint{}); err == nil {
				t.Errorf("%x is accepted in a JWK", x)
			}
		}
	}
}

func TestPointOffTheCurve(t *testing.T) {
	k := must(jwk.Parse(readTestdata(t, "keys/p256-public.pem")))(t).Public.(*ecdsa.PublicKey)
	for _, name := range []string{"X", "Y"} {
		off := *k
		// The fields are deprecated, but a foreign signer may set them.
		reflect.ValueOf(&off).Elem().FieldByName(name).Set(reflect.ValueOf(big.NewInt(7)))
		for _, suite := range []Suite{ES256, ECDHES} {
			_, err := newKey("k", suite, &off)
			wantError(t, err, ErrMalformed)
		}
	}
}
