package leak

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	partsJWS = 3 // header, payload, signature: RFC 7515 section 7.1
	partsJWE = 5 // header, encrypted key, IV, ciphertext, tag: RFC 7516 section 7.1
)

var partNames = map[int][]string{
	partsJWS: {"header", "payload", "signature"},
	partsJWE: {"header", "encrypted_key", "iv", "ciphertext", "tag"},
}

// readCompact reads a token in compact serialization, or what remains of one. A token with fewer
// parts than a JWS is a JWE if its header names enc.
func (r *reading) readCompact(l *Layer, token string) {
	token, behind, isSD := strings.Cut(token, "~")
	parts := strings.Split(token, ".")
	names := partNames[partsJWS]
	l.Form = JWS
	if header, _ := decode(nil, parts[0]); len(parts) > partsJWS || len(parts) < partsJWS && namesEnc(header) {
		l.Form, names, l.SealedTo = JWE, partNames[partsJWE], 1
	}
	if isSD {
		l.fault(r, faultSD)
	}
	if n := len(parts); n != partsJWS && n != partsJWE && len(l.Faults) == 0 {
		l.fault(r, wrongParts(n))
	}
	for i, part := range parts {
		b, how := decode(nil, part)
		l.size(r, names[i], len(b))
		l.spelled(r, fmt.Sprintf("part %d (%s)", i+1, strings.ReplaceAll(names[i], "_", " ")), how)
		switch {
		case i == 0:
			r.readHeader(l, b)
		case i == 1 && l.Form == JWS:
			r.readPayload(l, b)
		}
	}
	if l.Form == JWS {
		l.Unsigned = l.Unsigned || len(parts) == partsJWS && parts[2] == ""
		switch {
		case len(parts) == partsJWS:
		case l.HasClaims:
			l.CutOff = BeforeSignature
		default:
			l.CutOff = InPayload
		}
	}
	if isSD { // the last part may be a token that binds it to a key, RFC 9901 section 4.3
		list := strings.Split(behind, "~")
		if last := list[len(list)-1]; strings.Contains(last, ".") {
			r.queue(l.Where+" key binding", last)
			list = list[:len(list)-1]
		}
		r.readDisclosures(l, list)
	}
}

// wrongParts returns the fault of a token with neither 3 nor 5 parts. A token with more than 5
// parts was not cut off.
func wrongParts(n int) string {
	const forms = "and a signed token has 3, an encrypted one 5: "
	switch {
	case n == 1:
		return "it has 1 part, " + forms + "was it cut off?"
	case n < partsJWE:
		return fmt.Sprintf("it has %d parts, %swas it cut off?", n, forms)
	}
	return fmt.Sprintf("it has %d parts, %sthat is more than one token", n, forms)
}

// readHeader adds the members of one header.
func (r *reading) readHeader(l *Layer, b []byte) {
	text, encoding, _ := asText(b)
	first := len(l.Header)
	r.members(&l.Header, l.Where+" header", true, text)
	if _, err := strict.ParseObject([]byte(text)); err != nil {
		l.outer(r, "its header is not one JSON object: "+reason(err))
	}
	if encoding != "" {
		l.outer(r, "its header "+encoding)
	}
	for _, m := range l.Header[first:] {
		if strings.EqualFold(m.Name, "alg") && strings.EqualFold(string(m.Value), `"none"`) {
			l.Unsigned = true
		}
	}
}

// reason returns the text of an error of package strict, which holds nothing of the input.
func reason(err error) string {
	if bad, ok := errors.AsType[*strict.Error](err); ok {
		return fmt.Sprintf("%s at byte %d", bad.Reason, bad.Offset)
	}
	return err.Error()
}
