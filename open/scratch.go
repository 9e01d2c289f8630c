package open

import (
	"slices"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// scratch is the memory in which one token is opened. It is kept for the next token,
// and wiped before, as far as it goes, since it has held claims: what the collector got
// when a buffer grew is not. Nothing of it is in what Open returns.
type scratch struct {
	token   []byte // a selective one as it came
	decoded []byte // its parts one behind the other; a JWE is decrypted where it lies

	maxHeader int // Limits.MaxHeader
}

// maxKept is the longest buffer in bytes that is kept: one token that is very long
// should not cost its memory for ever.
const maxKept = 256 << 10

// take copies a token that is signed as it is.
func (m *scratch) take(token string) []byte {
	m.token = append(m.token[:0], token...)
	return m.token
}

// grow makes room at once for what can be decoded of a nested token: three quarters of
// it, and three quarters of that, and what the key agreement puts in between.
func (m *scratch) grow(token string) { m.decoded = slices.Grow(m.decoded, len(token)*21/16+128) }

// wipe makes the scratch ready for the next token, and reports whether it is fit for
// one.
func (m *scratch) wipe() bool {
	clear(m.token)
	clear(m.decoded)
	m.token, m.decoded = m.token[:0], m.decoded[:0]
	return cap(m.token) <= maxKept && cap(m.decoded) <= maxKept
}

// decodePart decodes one part of a token behind those before it.
func decodePart[T string | []byte](m *scratch, part T) ([]byte, error) {
	start := len(m.decoded)
	decoded, err := strict.AppendDecodeBase64URL(m.decoded, part)
	if err != nil {
		return nil, err
	}
	m.decoded = decoded
	return decoded[start:len(decoded):len(decoded)], nil
}
