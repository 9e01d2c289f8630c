package open_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// The comparison with other libraries is in testdata/peers; these are for profiles.

// benchSuites are a cheap signature with either way to agree on a key, and RSA.
var benchSuites = [][2]keys.Suite{{keys.ES256, keys.ECDHES}, {keys.EdDSA, keys.ECDHESA256KW}, {keys.RS256, keys.RSAOAEP256}}

// BenchmarkOpen opens tokens with 512 bytes of claims, of each suite, and with other
// lengths, up to what a token may hold by default, of the first.
func BenchmarkOpen(b *testing.B) {
	for _, suites := range benchSuites {
		for _, size := range []int{200, 512, 4 << 10, 32 << 10} {
			if size != 512 && suites != benchSuites[0] {
				continue
			}
			b.Run(fmt.Sprintf("nested/%s+%s/%d", suites[0].Alg(), suites[1].Alg(), size), func(b *testing.B) {
				f := forgeWith(suites[0], suites[1], keys.A256GCM)
				for _, name := range []string{"note", "weight"} {
					f.claims.remove(name)
				}
				fillClaims(f, size)
				if n := len(f.claims.String()); n != size {
					b.Fatalf("%d bytes of claims", n)
				}
				o := newOpener(b, config())
				o.SetNow(func() time.Time { return clock })
				benchOpen(b, o, f.token())
			})
		}
	}
	for _, recipients := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("selective/%d", recipients), func(b *testing.B) { benchOpenSelective(b, recipients) })
	}
}

// fillClaims adds groups and a note, about half of each.
func fillClaims(f *forgery, size int) {
	if size > 256 {
		f.claims.set("groups", "["+strings.Repeat(`"department-reader",`, size/40)+`"all"]`)
	}
	f.claims.set("pad", `""`)
	f.claims.set("pad", quoted(strings.Repeat("x", max(0, size-len(f.claims.String())))))
}

// benchOpenSelective opens as one of several recipients, each of whom may read all.
func benchOpenSelective(b *testing.B, recipients int) {
	cfg := seal.Config{Issuer: issuerID, Form: seal.Selective, Signing: privateSet(testKeyFor(keys.ES256))}
	var own *testKey
	for i := range recipients {
		own = newTestKey(keys.ECDHES, fmt.Sprintf("kid-of-%d", i), newP256())
		cfg.Recipients = append(cfg.Recipients, seal.Recipient{Audience: audience, Keys: publicSet(own), AllSealed: true})
	}
	token, err := must(seal.New(cfg)).Seal(b.Context(), seal.Claims{Custom: map[string]string{"email": "ada@example.com", "note": strings.Repeat("n", 300)}})
	if err != nil {
		b.Fatal(err)
	}
	opening := selectiveConfig()
	opening.Decryption, opening.Require = privateSet(own), nil
	benchOpen(b, newOpener(b, opening), token)
}

func benchOpen(b *testing.B, o *open.Opener, token string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Open(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
