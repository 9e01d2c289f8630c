package open

import "time"

// SetNow replaces the clock of Open.
func (o *Opener) SetNow(now func() time.Time) { o.now = now }

// What follows reads one layer of a token, with memory of its own.

func parseEnvelope(token string) (*jwe, error) {
	j, err := new(scratch).parseEnvelope(token, "")
	return &j, err
}

func parseJWE(token, cty string) (*jwe, error) {
	j, err := new(scratch).parseJWE(token, cty)
	return &j, err
}

func parseJWS(compact, typ string) (*jws, error) {
	s, err := new(scratch).parseJWS([]byte(compact), typ)
	return &s, err
}

// split is the parts of what is sealed.
func (j *jwe) split() (iv, ciphertext, tag []byte) {
	i, c := j.sizes[0], j.sizes[0]+j.sizes[1]
	return j.sealed[:i], j.sealed[i:c], j.sealed[c:]
}

// headerOf reads the first part of a token in either of the two ways.
func headerOf(part string) (header, error) {
	raw, err := decodeHeader(new(scratch), part)
	if err != nil {
		return header{}, err
	}
	if h, err := parseJWEHeader(raw); err == nil {
		return h, nil
	}
	return parseHeader(raw)
}
