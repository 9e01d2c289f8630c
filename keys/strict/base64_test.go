package strict_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func TestBase64URL(t *testing.T) {
	for _, tt := range []struct{ text, bytes string }{
		{"", ""},
		{"AA", "\x00"},
		{"_w", "\xff"},
		{"AAA", "\x00\x00"},
		{"-_8", "\xfb\xff"},
		{"AAAA", "\x00\x00\x00"},
		{"A-z_4ME", "\x03\xec\xff\xe0\xc1"}, // RFC 7515 appendix C
	} {
		b, err := strict.DecodeBase64URL(tt.text)
		if err != nil || string(b) != tt.bytes {
			t.Errorf("%q: %x, %v", tt.text, b, err)
		}
		if s := strict.EncodeBase64URL([]byte(tt.bytes)); s != tt.text {
			t.Errorf("%x is spelled %q, want %q", tt.bytes, s, tt.text)
		}
	}
}

func TestDecodeBase64URLRefuses(t *testing.T) {
	for _, text := range []string{
		"=", "AA=", "AA==", "AAA=", "AAAA=", "AA==AA", // padding
		"A", "AAAAA", "AAAAAAAAA", // no bytes have this length
		"AB", "AP", "_x", "AAB", "AAD", "AAAAAB", // spare bits
		"+w", "/w", "A+8", "AAA/", "A.AA", "AA~~", "АA", // other alphabets
		"\n", "AA\n", "\nAA", "A\nA", "AA\r\n", "AAA\r", "AAAA\nAAAA", // line breaks
		" AA", "AA ", "A A", "AA\t", "AA\x00", "AA\v", "AA\u2028", "\ufeffAA", // other white space
		"\xff\xff", "AA\x80",
	} {
		b, err := strict.DecodeBase64URL(text)
		var e *strict.Error
		if !errors.As(err, &e) || b != nil {
			t.Errorf("%q: %x, %v", text, b, err)
		} else if e.Offset < 0 || e.Offset > len(text) {
			t.Errorf("%q: offset %d", text, e.Offset)
		}
	}
}

// Of all texts of up to three characters, exactly the canonical ones are
// accepted: one for each sequence of up to two bytes.
func TestDecodeBase64URLExhaustive(t *testing.T) {
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/\r\n "
	count := 0
	try := func(s string) {
		b, err := strict.DecodeBase64URL(s)
		if err != nil {
			return
		}
		count++
		if back := strict.EncodeBase64URL(b); back != s {
			t.Errorf("%q accepted for %q", s, back)
		}
	}
	try("")
	for _, a := range alphabet {
		try(string(a))
		for _, b := range alphabet {
			try(string([]rune{a, b}))
			for _, c := range alphabet {
				try(string([]rune{a, b, c}))
			}
		}
	}
	if want := 1 + 256 + 256*256; count != want {
		t.Errorf("%d texts accepted, want %d", count, want)
	}
}

func FuzzDecodeBase64URL(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AA==", "A-z_4ME", "AA\n", "+/", strings.Repeat("A", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := strict.DecodeBase64URL(strict.EncodeBase64URL([]byte(s))); err != nil || !bytes.Equal(b, []byte(s)) {
			t.Fatalf("own spelling of %q: %q, %v", s, b, err)
		}
		b, err := strict.DecodeBase64URL(s)
		lax, laxErr := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			// Refused: because it is no spelling at all, or another one.
			if laxErr == nil && strict.EncodeBase64URL(lax) == s {
				t.Fatalf("%q refused: %v", s, err)
			}
			checkError(t, err, len(s))
			return
		}
		if strict.EncodeBase64URL(b) != s || laxErr != nil || !bytes.Equal(b, lax) {
			t.Fatalf("%q accepted as %q", s, b)
		}
	})
}

// TestDecodeBase64URLBytes: both forms of the decoder are one.
func TestDecodeBase64URLBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "AA", "A-z_4ME", "AB", "A", "=", "AA\n", "AA\r\n", "AAAA\nAAAA", "+w", "é"} {
		a, errA := strict.DecodeBase64URL(text)
		b, errB := strict.DecodeBase64URLBytes([]byte(text))
		if !bytes.Equal(a, b) || fmt.Sprint(errA) != fmt.Sprint(errB) {
			t.Errorf("%q: %x, %v and %x, %v", text, a, errA, b, errB)
		}
	}
}
