package seal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal"
)

// BenchmarkSeal seals with the default suites, 512 bytes of claims in all.
func BenchmarkSeal(b *testing.B) {
	p := defaults()
	custom := func(n int) json.RawMessage { return json.RawMessage(`{"pad":"` + strings.Repeat("x", n) + `"}`) }
	short := len(p.payload(b, p.seal(b, seal.Claims{Subject: "u-42", Custom: custom(0)})))
	c := seal.Claims{Subject: "u-42", Custom: custom(512 - short)}
	token := p.seal(b, c)
	if n := len(p.payload(b, token)); n != 512 {
		b.Fatalf("%d bytes of claims", n)
	}
	s := newSealer(b, p.config())
	b.SetBytes(int64(len(token)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
