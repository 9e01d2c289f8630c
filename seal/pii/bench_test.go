package pii_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal/pii"
)

var short = map[string]string{
	"URL":        "https://id.example.com/oauth2/tenants/42/keys.json",
	"thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
	"UUID":       "9122040d-6c67-4c5b-b112-36a304b66dad",
	"number":     "1767225600",
}

func BenchmarkInText(b *testing.B) {
	for name, text := range short {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pii.InText(text)
			}
		})
	}
	b.Run("1MiB", func(b *testing.B) {
		text := strings.Repeat("2026-01-14T09:30:00Z GET /v1/orders/1234567 200 12ms trace=4bf92f3577b34da6\n", 1<<20/77)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			pii.InText(text)
		}
	})
}

func BenchmarkInName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		pii.InName("https://example.com/claims/tenant_role_name")
	}
}

func BenchmarkInObject(b *testing.B) {
	o := parse(b, `{"iss":"https://id.example.com","sub":"u-42","aud":"https://api.example.com","iat":1767225600,"exp":1767226500,"jti":"AAAAAAAAAAAAAAAAAAAAAA","roles":["admin","editor"]}`)
	b.ReportAllocs()
	for b.Loop() {
		pii.InObject(o)
	}
}

// The checks that every Seal makes allocate nothing.
func TestNoAllocs(t *testing.T) {
	for name, text := range short {
		if n := testing.AllocsPerRun(100, func() { pii.InText(text); pii.InName(text) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	for _, text := range texts(t, "miss.txt") {
		if n := testing.AllocsPerRun(10, func() { pii.InText(text) }); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}
