package seal

import (
	"bytes"
	"encoding/json"

	"github.com/sealjwt/sealjwt/keys"
)

// scratch is the memory in which one token is made: its parts go through several
// encodings. It is kept for the next token, and wiped before, as far as it goes, since it
// has held claims: what the collector got when a buffer grew is not.
type scratch struct {
	to      []*keys.Key
	claims  bytes.Buffer // the head, then the custom claims as encoding/json writes them
	encoder *json.Encoder
	payload []byte // of a selective token, and before that what is sealed in one JWE
	header  []byte // of a JWE or a JWS
	signed  []byte // the signed token
	sealed  []byte // initialization vector, ciphertext and tag
	out     []byte
}

// maxKept is the longest buffer in bytes that is kept: one token that is very long
// should not cost its memory for ever.
const maxKept = 256 << 10

func newScratch() *scratch {
	m := new(scratch)
	m.newEncoder()
	return m
}

// newEncoder makes the encoder that writes custom claims. One that has failed writes
// no more.
func (m *scratch) newEncoder() {
	m.encoder = json.NewEncoder(&m.claims)
	m.encoder.SetEscapeHTML(false) // which makes tokens longer
}

// wipe makes the scratch ready for the next token, and reports whether it is fit for
// one.
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
