package seal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// testdata/peers compares with other libraries. These benchmarks are for profiles.

// benchSuites pair a cheap signature with each way to agree on a key, and have RSA.
var benchSuites = [][2]keys.Suite{{keys.ES256, keys.ECDHES}, {keys.EdDSA, keys.ECDHESA256KW}, {keys.RS256, keys.RSAOAEP256}}

// benchProfile is a struct, as most callers seal one.
type benchProfile struct {
	Email  string   `json:"email"`
	Groups []string `json:"groups,omitempty"`
	Note   string   `json:"note"`
}

// benchClaims returns claims with a payload of size bytes. Half of it is one string.
func benchClaims(b *testing.B, p parties, size int) seal.Claims {
	b.Helper()
	profile := benchProfile{Email: "ada@example.com"}
	for range size / 40 {
		profile.Groups = append(profile.Groups, "department-reader")
	}
	if size <= 256 {
		profile.Groups = nil
	}
	claims := func() seal.Claims { return seal.Claims{Subject: "u-42", Custom: profile} }
	payload := func() int { return len(p.payload(b, p.seal(b, claims()))) }
	profile.Note = strings.Repeat("n", size-payload())
	if n := payload(); n != size {
		b.Fatalf("%d bytes of claims", n)
	}
	return claims()
}

// BenchmarkSeal seals 512 bytes of claims with each suite. With the first suite it also seals other
// lengths, up to the default limit of a token.
func BenchmarkSeal(b *testing.B) {
	for _, suites := range benchSuites {
		p := newParties(suites[0], suites[1])
		for _, size := range []int{200, 512, 4 << 10, 32 << 10} {
			if size != 512 && suites != benchSuites[0] {
				continue
			}
			b.Run(fmt.Sprintf("nested/%s+%s/%d", suites[0].Alg(), suites[1].Alg(), size), func(b *testing.B) {
				benchSeal(b, p.config(), benchClaims(b, p, size))
			})
		}
	}
	for _, recipients := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("selective/%d", recipients), func(b *testing.B) {
			cfg := anySeal{SelectiveConfig: seal.SelectiveConfig{Issuer: issuerID, Signing: defaults().issuer}, Selective: true}
			for i := range recipients {
				cfg.Recipients = append(cfg.Recipients, seal.SelectiveRecipient{Audience: fmt.Sprint(audience, "/", i), Keys: newSet(keys.ECDHES), ReadsAll: true})
			}
			benchSeal(b, cfg, benchClaims(b, defaults(), 512))
		})
	}
}

func benchSeal(b *testing.B, cfg anySeal, c seal.Claims) {
	b.Helper()
	s := newSealer(b, cfg)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
