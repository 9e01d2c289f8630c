package open_test

import (
	"strings"
	"testing"
)

// BenchmarkOpen opens a token of the default suites with 512 bytes of claims.
func BenchmarkOpen(b *testing.B) {
	f := forge()
	f.claims.set("pad", `""`)
	f.claims.set("pad", quoted(strings.Repeat("x", 512-len(f.claims.String()))))
	if len(f.claims.String()) != 512 {
		b.Fatal("not 512 bytes of claims")
	}
	token := f.token()
	o := newOpener(b, config())
	b.SetBytes(int64(len(token)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.OpenAt(b.Context(), token, clock); err != nil {
			b.Fatal(err)
		}
	}
}
