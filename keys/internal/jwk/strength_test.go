package jwk

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	return must(os.ReadFile(filepath.Join("../../../testdata", name)))(t)
}

func publicRSA(t *testing.T, name string) *rsa.PublicKey {
	t.Helper()
	return must(Parse(readTestdata(t, "keys/"+name)))(t).Public.(*rsa.PublicKey)
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

func TestGoodModuliAreNotROCA(t *testing.T) {
	for _, name := range []string{"rsa-public.pem", "rsa-1024-public.pem", "rsa-e3-public.pem", "rsa-4104-public.pem"} {
		if hasROCAFingerprint(publicRSA(t, name).N) {
			t.Errorf("%s has the fingerprint", name)
		}
	}
}

func TestHugeExponentIsWeak(t *testing.T) {
	n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(1234567))
	if err := checkRSA(&rsa.PublicKey{N: n, E: 1<<31 + 1}); !errors.Is(err, ErrWeakKey) {
		t.Errorf("%v", err)
	}
}

func TestCheckKeyID(t *testing.T) {
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
		if err := CheckKeyID(kid); (err == nil) != ok {
			t.Errorf("%q: %v", kid, err)
		} else if !ok {
			wantError(t, err, ErrMalformed)
		}
	}
}
