package seal

import (
	"bytes"
	"encoding/json"

	"github.com/sealjwt/sealjwt/keys"
)

// scratch is the memory in which one token is made: its parts go through several encodings.
// Buffers are pooled and zeroed before reuse, since they held claims. Best effort: arrays
// that append outgrew are left to the collector as they are.
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

// maxKept is the longest buffer in bytes that is kept: a single very long token must not
// occupy its memory for ever.
const maxKept = 256 << 10

func newScratch() *scratch {
	m := new(scratch)
	m.newEncoder()
	return m
}

// newEncoder makes the encoder that writes custom claims. An encoder that has failed once
// does not write again.
func (m *scratch) newEncoder() {
	m.encoder = json.NewEncoder(&m.claims)
	m.encoder.SetEscapeHTML(false) // which makes tokens longer
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
