package open

import (
	"slices"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// scratch is the memory in which one token is opened. It is kept for the next token,
// and wiped before, since it has held claims. Nothing of it is in what Open returns.
type scratch struct {
	token   []byte // as it came
	decoded []byte // its parts one behind the other; a JWE is decrypted where it lies
}

// mostKept is the longest buffer in bytes that is kept: one token that is very long
// should not cost its memory for ever.
const mostKept = 256 << 10

// take copies the token, and makes room for what can be decoded of it.
func (m *scratch) take(token string) {
	m.token = append(m.token[:0], token...)
	m.decoded = slices.Grow(m.decoded[:0], len(token))
}

// wipe makes the scratch ready for the next token, and reports whether it is fit for
// one.
func (m *scratch) wipe() bool {
	clear(m.token)
	clear(m.decoded)
	return cap(m.token) <= mostKept && cap(m.decoded) <= mostKept
}

// decodePart decodes one part of a token behind those before it.
func (m *scratch) decodePart(part []byte) ([]byte, error) {
	start := len(m.decoded)
	decoded, err := strict.AppendDecodeBase64URL(m.decoded, part)
	if err != nil {
		return nil, err
	}
	m.decoded = decoded
	return decoded[start:len(decoded):len(decoded)], nil
}
