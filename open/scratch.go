package open

import (
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// scratch is the memory in which one token is opened. Buffers are pooled and zeroed before
// reuse, since they held claims. This is best effort: an array that append has replaced by a
// longer one is not zeroed. The Token that Open returns refers to nothing in the scratch.
type scratch struct {
	token   []byte // the text of a selective token
	decoded []byte // the decoded parts of a token, one behind the other; JWEs are decrypted in place

	maxHeader int // Limits.MaxHeader
}

// maxKept is the length in bytes of the longest buffer that the pool keeps: a single very long
// token must not occupy its memory for ever.
const maxKept = 256 << 10

// take copies the text of a selective token into the scratch. The signature is over this text.
func (m *scratch) take(token string) []byte {
	m.token = append(m.token[:0], token...)
	return m.token
}

// grow makes room at once for all that is decoded from a token: the JWE (three quarters of its
// text), and the header and signature of the inner token (less than three quarters of that). What
// is left and 128 bytes more take the header's base64url text, which decrypt copies as additional
// authenticated data. If that is too little, append grows the buffer.
func (m *scratch) grow(token string) { m.decoded = slices.Grow(m.decoded, len(token)*21/16+128) }

// wipe makes the scratch ready for the next token, and reports whether the pool may keep
// it.
func (m *scratch) wipe() bool {
	clear(m.token)
	clear(m.decoded)
	m.token, m.decoded = m.token[:0], m.decoded[:0]
	return cap(m.token) <= maxKept && cap(m.decoded) <= maxKept
}

// decodePart decodes one part of a token and appends it to the parts before it.
func decodePart[T string | []byte](m *scratch, part T) ([]byte, error) {
	start := len(m.decoded)
	decoded, err := strict.AppendDecodeBase64URL(m.decoded, part)
	if err != nil {
		return nil, err
	}
	m.decoded = decoded
	return decoded[start:len(decoded):len(decoded)], nil
}

// looksLike reports whether a text has this number of parts and a header that fits: three parts for
// a JWS, whose header has no enc, or five parts for a JWE, whose header has one. It is used to give
// a token of the other form a clear error.
func (m *scratch) looksLike(token string, parts int) bool {
	if 1+strings.Count(token, ".") != parts {
		return false
	}
	first, _, _ := strings.Cut(token, ".")
	raw, err := decodeHeader(m, first)
	m.decoded = m.decoded[:0]
	if err != nil {
		return false
	}
	members, err := strict.ParseObject(raw)
	_, hasAlg := members.Raw("alg")
	_, hasEnc := members.Raw("enc")
	return err == nil && hasAlg && hasEnc == (parts == 5)
}
