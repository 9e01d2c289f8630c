package keys

import (
	"crypto"
	"errors"
	"testing"
)

// A signature has one spelling in DER (X.690 section 10). Another spelling of the right numbers is
// refused.
func TestSignatureOfAnotherSpelling(t *testing.T) {
	r := keyOf(t, generated(t, ES256))
	good := r.sign
	k := must(FromSigner("k", ES256, r))(t)
	element := func(tag byte, content ...[]byte) []byte {
		c := join(content...)
		return join([]byte{tag, byte(len(c))}, c)
	}
	zero := []byte{0}
	for name, spell := range map[string]func(r, s []byte) []byte{
		"":                 func(r, s []byte) []byte { return element(0x30, element(2, r), element(2, s)) },
		"a byte behind":    func(r, s []byte) []byte { return join(element(0x30, element(2, r), element(2, s)), zero) },
		"a third number":   func(r, s []byte) []byte { return element(0x30, element(2, r), element(2, s), element(2, zero)) },
		"a leading zero":   func(r, s []byte) []byte { return element(0x30, element(2, zero, zero, r), element(2, s)) },
		"a zero before s":  func(r, s []byte) []byte { return element(0x30, element(2, r), element(2, zero, zero, s)) },
		"without the sign": func(r, s []byte) []byte { return element(0x30, element(2, []byte{0xff}, r), element(2, s)) },
		"empty number":     func(r, s []byte) []byte { return element(0x30, element(2), element(2, s)) },
		"zero":             func(r, s []byte) []byte { return element(0x30, element(2, zero), element(2, s)) },
		"a set":            func(r, s []byte) []byte { return element(0x31, element(2, r), element(2, s)) },
		"bit strings":      func(r, s []byte) []byte { return element(0x30, element(3, r), element(3, s)) },
		"long form": func(r, s []byte) []byte {
			return join([]byte{0x30, 0x81}, element(0x30, element(2, r), element(2, s))[1:])
		},
		"cut":                func(r, s []byte) []byte { d := element(0x30, element(2, r), element(2, s)); return d[:len(d)-1] },
		"one number":         func(r, s []byte) []byte { return element(0x30, element(2, r)) },
		"R || S":             func(r, s []byte) []byte { return join(r, s) },
		"a number too large": func(r, s []byte) []byte { return element(0x30, element(2, []byte{1}, make([]byte, 32)), element(2, s)) },
	} {
		r.sign = func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
			der := must(good(digest, o))(t)
			rLength := int(der[3])
			return spell(der[4:4+rLength], der[4+rLength+2:]), nil
		}
		if signature, err := k.Sign(t.Context(), []byte("message")); (name == "") != (err == nil) || name != "" && !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %x, %v", name, signature, err)
		}
	}
}

// A number whose first bit is set needs a leading zero byte.
func TestNegativeInteger(t *testing.T) {
	for _, c := range []struct {
		integer []byte
		ok      bool
	}{
		{[]byte{1}, true},
		{[]byte{0x7f}, true},
		{[]byte{0, 0x80}, true},
		{[]byte{0x80}, false},
		{[]byte{0, 0x7f}, false},
		{[]byte{0}, false},
		{nil, false},
		{make([]byte, 33), false},
		{append([]byte{1}, make([]byte, 32)...), false},
	} {
		if ok := fillInteger(make([]byte, 32), c.integer); ok != c.ok {
			t.Errorf("%x: %v", c.integer, ok)
		}
	}
}
