package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func publicRSA(t *testing.T, name string) *rsa.PublicKey {
	t.Helper()
	j := must(readKey(readTestdata(t, "keys/"+name)))(t)
	return j.material.(*rsa.PublicKey)
}

func TestWeakRSA(t *testing.T) {
	good := publicRSA(t, "rsa-public.pem")
	shorter := new(big.Int).Rsh(good.N, 1)
	shorter.SetBit(shorter, 0, 1)
	for name, c := range map[string]struct {
		n  *big.Int
		e  int
		ok bool
	}{
		"2048 bits":     {good.N, 65537, true},
		"larger e":      {good.N, 65539, true},
		"4096 bits":     {new(big.Int).SetBit(good.N, 4095, 1), 65537, true},
		"1024 bits":     {publicRSA(t, "rsa-1024-public.pem").N, 65537, false},
		"2047 bits":     {shorter, 65537, false},
		"4097 bits":     {new(big.Int).SetBit(good.N, 4096, 1), 65537, false},
		"even modulus":  {new(big.Int).SetBit(good.N, 0, 0), 65537, false},
		"e = 1":         {good.N, 1, false},
		"e = 3":         {good.N, 3, false},
		"e = 65535":     {good.N, 65535, false},
		"even e":        {good.N, 65538, false},
		"negative e":    {good.N, -65537, false},
		"ROCA":          {publicRSA(t, "rsa-roca.jwk").N, 65537, false},
		"empty modulus": {new(big.Int), 65537, false},
	} {
		err := checkStrength(&rsa.PublicKey{N: c.n, E: c.e})
		if c.ok {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if wantError(t, err, ErrWeakKey); t.Failed() {
			t.Fatal(name)
		}
	}
}

// The weak keys as they arrive, through the parsers.
func TestWeakKeysAreNotParsed(t *testing.T) {
	for _, name := range []string{"rsa-1024-public.pem", "rsa-e3-public.pem", "rsa-4104-public.pem"} {
		for _, suite := range []Suite{RS256, PS256, RSAOAEP256} {
			_, err := ParseKey(readTestdata(t, "keys/"+name), As{Suite: suite})
			wantError(t, err, ErrWeakKey)
		}
	}
	_, err := ParseKey(readTestdata(t, "keys/rsa-roca.jwk"), As{})
	wantError(t, err, ErrWeakKey)
}

func TestGoodModuliAreNotROCA(t *testing.T) {
	for _, name := range []string{"rsa-public.pem", "rsa-1024-public.pem", "rsa-e3-public.pem", "rsa-4104-public.pem"} {
		if hasROCAFingerprint(publicRSA(t, name).N) {
			t.Errorf("%s has the fingerprint", name)
		}
	}
}

// The points of order 1, 2, 4 and 8, with every encoding that Go's verifier
// takes for one.
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
			wantError(t, checkStrength(ed25519.PublicKey(x)), ErrWeakKey)
			pem := pkixEd25519(x)
			_, err := ParseKey(pem, As{})
			wantError(t, err, ErrWeakKey)
			jwk := must(json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(x)}))(t)
			if _, err := ParseKey(jwk, As{}); err == nil {
				t.Errorf("%x is accepted in a JWK", x)
			}
		}
	}
}

func TestPointOffTheCurve(t *testing.T) {
	k := must(readKey(readTestdata(t, "keys/p256-public.pem")))(t).material.(*ecdsa.PublicKey)
	for _, name := range []string{"X", "Y"} {
		off := *k
		// The fields are deprecated, but a signer of somebody else may have set them.
		reflect.ValueOf(&off).Elem().FieldByName(name).Set(reflect.ValueOf(big.NewInt(7)))
		for _, suite := range []Suite{ES256, ECDHES} {
			_, err := newKey("k", suite, &off)
			wantError(t, err, ErrMalformed)
		}
		wantError(t, checkStrength(&off), ErrMalformed)
	}
}

func TestCheckID(t *testing.T) {
	for kid, ok := range map[string]bool{
		"a":                         true,
		"-":                         true,
		"2026-01 / prod, key #1 ~":  true,
		`"; DROP TABLE keys; --`:    true,
		"../../etc/passwd":          true,
		strings.Repeat("k", 256):    true,
		strings.Repeat("k", 257):    false,
		"":                          false,
		"a\x00b":                    false,
		"a\nb":                      false,
		"\x1b[31mred":               false,
		"a\x7fb":                    false,
		"schlüssel":                 false,
		"열쇠":                        false,
		"a\xffb":                    false,
		" leading and trailing sp ": true,
	} {
		if err := checkID(kid); (err == nil) != ok {
			t.Errorf("%q: %v", kid, err)
		} else if !ok {
			wantError(t, err, ErrMalformed)
		}
	}
}
