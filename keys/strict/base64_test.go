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
		checkAppendDecode(t, tt.text)
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
		checkAppendDecode(t, text)
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

// checkAppendDecode checks that all forms of the decoder agree, and all forms of the encoder. None
// may change the bytes that it appends to.
func checkAppendDecode(t *testing.T, s string) {
	t.Helper()
	const sentinel = "these bytes must stay"
	want, wantErr := strict.DecodeBase64URL(s)
	room := len(s) * 3 / 4
	for _, decode := range []func(dst []byte) ([]byte, error){
		func(dst []byte) ([]byte, error) { return strict.AppendDecodeBase64URL(dst, s) },
		func(dst []byte) ([]byte, error) { return strict.AppendDecodeBase64URL(dst, []byte(s)) },
	} {
		for _, fits := range []bool{true, false} {
			dst := append(append([]byte("dst"), make([]byte, room)...), sentinel...)
			capacity := cap(dst)
			if !fits {
				capacity = 3
			}
			got, err := decode(dst[:3:capacity])
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || string(got) != "dst"+string(want) {
				t.Fatalf("%q is decoded to %q, %v, and to %q, %v", s, want, wantErr, got, err)
			}
			if string(dst[3+room:]) != sentinel || string(dst[:3]) != "dst" {
				t.Fatalf("decoding %q writes %q", s, dst)
			}
		}
	}
	if got := strict.AppendBase64URL([]byte("dst"), []byte(s)); string(got) != "dst"+strict.EncodeBase64URL([]byte(s)) {
		t.Fatalf("%q is encoded to %q", s, got)
	}
}

// The decoder judges each byte like the standard library, wherever the byte stands in a text of
// many characters.
func TestDecodeBase64URLAnywhere(t *testing.T) {
	t.Parallel()
	for length := range 36 {
		for at := range length {
			for c := range 256 {
				text := []byte(strings.Repeat("-0_zZ9aA", 5)[:length])
				text[at] = byte(c)
				if c%16 == 0 || c == 'A' {
					checkAppendDecode(t, string(text))
				}
				std, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
				fine := err == nil && c != '\r' && c != '\n'
				b, err := strict.DecodeBase64URL(text)
				if fine != (err == nil) || fine && !bytes.Equal(b, std) {
					t.Fatalf("%q: %x, %v", text, b, err)
				}
				var e *strict.Error
				if inAlphabet := isAlphanumeric(byte(c)) || c == '-' || c == '_'; !inAlphabet && (!errors.As(err, &e) || e.Offset != at) {
					t.Fatalf("%q: %v", text, err)
				}
			}
		}
	}
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func FuzzDecodeBase64URL(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AA==", "A-z_4ME", "AA\n", "+/", strings.Repeat("A", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkAppendDecode(t, s)
		if b, err := strict.DecodeBase64URL(strict.EncodeBase64URL([]byte(s))); err != nil || !bytes.Equal(b, []byte(s)) {
			t.Fatalf("own spelling of %q: %q, %v", s, b, err)
		}
		b, err := strict.DecodeBase64URL(s)
		lax, laxErr := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			// The text is refused because it is not base64, or because the same bytes have another
			// spelling.
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

// Both forms of the decoder return the same.
func TestDecodeBase64URLBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "AA", "A-z_4ME", "AB", "A", "=", "AA\n", "AA\r\n", "AAAA\nAAAA", "+w", "é"} {
		a, errA := strict.DecodeBase64URL(text)
		b, errB := strict.DecodeBase64URL([]byte(text))
		if !bytes.Equal(a, b) || fmt.Sprint(errA) != fmt.Sprint(errB) {
			t.Errorf("%q: %x, %v and %x, %v", text, a, errA, b, errB)
		}
	}
}
