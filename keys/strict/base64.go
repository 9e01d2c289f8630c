package strict

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
)

// strictURL also refuses non-zero spare bits in the last character.
var strictURL = base64.RawURLEncoding.Strict()

// EncodeBase64URL returns the base64url spelling of b without padding, RFC 7515
// section 2. [DecodeBase64URL] accepts exactly these spellings.
func EncodeBase64URL(b []byte) string {
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeBase64URL returns the bytes of which s is the canonical spelling: that
// of RFC 7515 section 2 and appendix C, without padding. The empty string spells
// no bytes.
//
// It refuses padding, line breaks and white space, characters of any other
// alphabet, lengths that no bytes have, and spare bits that are not zero. Each of
// those would give the same bytes a second spelling, and with it one token a
// second text. The error is an [*Error].
func DecodeBase64URL(s string) ([]byte, error) {
	// The standard decoder skips line breaks, strict or not.
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return nil, &Error{i, "line break in base64url"}
	}
	b, err := strictURL.DecodeString(s)
	if err != nil {
		return nil, notCanonical(err)
	}
	return b, nil
}

// DecodeBase64URLBytes is [DecodeBase64URL] of a text that is held as bytes, without
// a copy of it.
func DecodeBase64URLBytes(s []byte) ([]byte, error) {
	if i := bytes.IndexAny(s, "\r\n"); i >= 0 {
		return nil, &Error{i, "line break in base64url"}
	}
	b := make([]byte, strictURL.DecodedLen(len(s)))
	if _, err := strictURL.Decode(b, s); err != nil {
		return nil, notCanonical(err)
	}
	return b, nil
}

func notCanonical(err error) error {
	var at base64.CorruptInputError
	errors.As(err, &at) // the only error of the decoder
	return &Error{int(at), "not canonical base64url"}
}
