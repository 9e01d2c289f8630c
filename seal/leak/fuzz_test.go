package leak

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// sights returns the findings of a Finder with a chunk size.
func sights(t *testing.T, text []byte, chunk int) (list []Sighting) {
	f := newFinder(bytes.NewReader(text), maxToken, chunk)
	for {
		s, err := f.Next(t.Context())
		if err == io.EOF {
			return list
		}
		if err != nil {
			if _, ok := err.(*CompressedError); ok {
				return nil
			}
			t.Fatal(err)
		}
		list = append(list, s)
	}
}

// For every text: the size of the chunks changes nothing, each planted token is found, each found
// token is read as a whole, and each place is in the text.
func FuzzFinder(f *testing.F) {
	for _, s := range surroundings {
		f.Add([]byte(strings.ReplaceAll(s, "@", plainJWS)))
	}
	for _, unit := range hostile {
		f.Add([]byte(strings.Repeat(unit, 3)))
	}
	f.Add([]byte(wrapped(exposing, "", "=\r\n", 70) + std(exposing)))
	f.Add([]byte(`{"payload":"eyJpc3MiOiJodHRwczovL2lkLmV4","protected":"eyJhbGciOiJFUzI1NiIsInR5","signature":"AQEBAQEBAQEBAQEBAQEBAQEB"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 || isUTF16(append(text, "    "...), 0) || isUTF16(append(text, "    "...), 1) {
			return
		}
		text = append(text, "\n\n"+exposing+"\n\n"...)
		whole := sights(t, text, chunk)
		if whole == nil {
			return // compressed
		}
		if pieces := sights(t, text, 7); !slices.Equal(whole, pieces) {
			t.Fatalf("%q:\n%+v\n%+v", text, whole, pieces)
		}
		if last := whole[len(whole)-1]; last.Token != exposing {
			t.Fatalf("%q: %+v", text, last)
		}
		lines := int64(bytes.Count(text, []byte("\n")))
		for _, s := range whole {
			if s.Line < 1 || s.Column < 1 || s.ColumnUTF16 < 1 || s.Line > lines {
				t.Fatalf("%q: at %d:%d", text, s.Line, s.Column)
			}
			if s.Limit != "" {
				continue
			}
			u, err := Read(s.Token)
			if err != nil || u.Layers[0].Length != len(s.Token) {
				t.Fatalf("%q: %v, %q", text, err, s.Token)
			}
		}
	})
}

// Read and package strict agree about texts in the right spelling.
func FuzzRead(f *testing.F) {
	f.Add(someHeader, `{"sub":"1","email":"ada@example.com"}`)
	f.Add(`{"alg":"none","alg":"x"}`, "\uFEFF{}")
	f.Add("{\n\"alg\":\"a\xff\"}", `{"A":1,"a":[{"b":2,"B":3}],"c":"\ud800"}`)
	f.Add(`{"alg":"ES256","enc":null}`, `{"a":{"kty":"oct","k":"x"},"b":"`+plainJWS+`"`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		token := compact(header, payload, "signature")
		if len(token) > 1<<14 {
			return
		}
		u, err := Read(token)
		if err != nil || u.Layers[0].Length != len(token) || u.Layers[0].Form != JWS {
			return
		}
		_, errHeader := strict.ParseObject([]byte(header))
		_, errClaims := strict.ParseClaims([]byte(payload))
		refused := errHeader != nil || errClaims != nil && u.Layers[0].HasClaims
		if fault := u.Layers[0].Faults != nil; refused && !fault || fault && errHeader == nil && errClaims == nil {
			t.Fatalf("%q %q: %q, and strict says %v, %v", header, payload, u.Layers[0].Faults, errHeader, errClaims)
		}
		if again := fmt.Sprint(u); errClaims == nil && len(u.Layers) == 0 {
			t.Fatal(again)
		}
	})
}
