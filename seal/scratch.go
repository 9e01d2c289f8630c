package seal

import (
	"bytes"
	"encoding/json"

	"github.com/sealjwt/sealjwt/keys"
)

// scratch is the memory in which one token is made, with a buffer for each encoding that the
// token's parts go through. Buffers are pooled and zeroed before reuse, since they held claims.
// This is best effort: an array that append has replaced by a longer one is not zeroed.
type scratch struct {
	to      []*keys.Key
	claims  bytes.Buffer // the head, then the custom claims as encoding/json writes them
	encoder *json.Encoder
	payload []byte // of a selective token, and before that the claims of one JWE
	header  []byte // of a JWE or a JWS
	signed  []byte // the signed token
	sealed  []byte // initialization vector, ciphertext and tag
	out     []byte
}

// maxKept is the length in bytes of the longest buffer that the pool keeps: a single very long
// token must not occupy its memory for ever.
const maxKept = 256 << 10

func newScratch() *scratch {
	m := new(scratch)
	m.newEncoder()
	return m
}

// newEncoder makes the encoder that writes custom claims. It is called again after a failure, so
// that nothing of the failed call is left in the encoder.
func (m *scratch) newEncoder() {
	m.encoder = json.NewEncoder(&m.claims)
	m.encoder.SetEscapeHTML(false) // the escapes would make tokens longer
}

// wipe makes the scratch ready for the next token, and reports whether the pool may keep
// it.
func (m *scratch) wipe() bool {
	clear(m.to)
	m.to = m.to[:0]
	claims := m.claims.Bytes()
	kept := m.claims.Cap() <= maxKept
	clear(claims)
	m.claims.Reset()
	for _, b := range []*[]byte{&m.payload, &m.header, &m.signed, &m.sealed, &m.out} {
		kept = kept && cap(*b) <= maxKept
		clear(*b)
		*b = (*b)[:0]
	}
	return kept
}
