package leak

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
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
		l.Faults = append(l.Faults, "it is an SD-JWT with disclosures behind it")
	}
	if n := len(parts); n != partsJWS && n != partsJWE && len(l.Faults) == 0 {
		l.Faults = append(l.Faults, wrongParts(n))
	}
	for i, part := range parts {
		b, how := decode(nil, part)
		l.Sizes = append(l.Sizes, Size{names[i], len(b)})
		l.spelled(fmt.Sprintf("part %d (%s)", i+1, strings.ReplaceAll(names[i], "_", " ")), how)
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
	if isSD {
		r.readDisclosures(l, behind)
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

func (l *Layer) spelled(part string, how spelling) {
	if fault := how.fault(part); fault != "" {
		l.outer(fault)
	}
}

// outer adds a fault of the parts or of the header.
func (l *Layer) outer(fault string) {
	l.Faults = append(l.Faults, fault)
	l.OuterFault = cmp.Or(l.OuterFault, fault)
}

// readHeader adds the members of one header.
func (r *reading) readHeader(l *Layer, b []byte) {
	text, encoding, _ := asText(b)
	list, _ := r.members(l.Where+" header", true, text)
	l.Header = append(l.Header, list...)
	if _, err := strict.ParseObject([]byte(text)); err != nil {
		l.outer("its header is not one JSON object: " + reason(err))
	}
	if encoding != "" {
		l.outer("its header " + encoding)
	}
	for i := range list {
		if list[i].Name == "alg" && strings.EqualFold(string(list[i].Value), `"none"`) {
			l.Unsigned = true
		}
	}
}

func (l *Layer) encoded(part, fault string) {
	if fault != "" {
		l.Faults = append(l.Faults, part+" "+fault)
	}
}

// reason returns the text of an error of package strict, which holds nothing of the input.
func reason(err error) string {
	if bad, ok := errors.AsType[*strict.Error](err); ok {
		return fmt.Sprintf("%s at byte %d", bad.Reason, bad.Offset)
	}
	return err.Error()
}

// readPayload reads the payload of a JWS: claims, or whatever stands there.
func (r *reading) readPayload(l *Layer, b []byte) {
	text, encoding, isText := asText(b)
	l.Claims, l.HasClaims = r.members(l.Where+" claim", false, text)
	l.encoded("its payload", encoding)
	if l.HasClaims {
		l.SealedTo = sealedTo(l.Claims)
		if _, err := strict.ParseClaims([]byte(text)); err != nil {
			l.Faults = append(l.Faults, "its claims: "+reason(err))
		}
		return
	}
	l.Text, l.Binary = text, !isText
	if len(l.Claims) > 0 {
		l.Faults = append(l.Faults, "its claims are not one JSON object: they break off, or something follows")
	}
	r.readText(l)
}

// readText looks for tokens and personal data in a payload that is a text.
func (r *reading) readText(l *Layer) {
	rest := r.tokensIn(func() string { return l.Where + " payload" }, l.Text)
	l.HoldsToken = rest != l.Text
	if kind, ok := pii.InText(rest); ok {
		l.Personal = []pii.Finding{{Path: "payload", Kind: kind}}
	}
}

// readDisclosures reads the parts behind the JWS of an SD-JWT: a disclosure is [salt, name, value]
// or [salt, value] in base64url (RFC 9901 section 4.2), and the last part may be a token that binds
// the SD-JWT to a key (section 4.3).
func (r *reading) readDisclosures(of *Layer, behind string) {
	list := strings.Split(behind, "~")
	if last := list[len(list)-1]; strings.Contains(last, ".") {
		r.queue(of.Where+" key binding", last)
		list = list[:len(list)-1]
	}
	l := Layer{Where: of.Where + " disclosures", Form: Disclosures, HasClaims: true}
	for _, part := range list {
		if part == "" {
			continue
		}
		l.Length += len(part)
		b, how := decode(nil, part)
		l.spelled("a disclosure", how)
		text, encoding, _ := asText(b)
		l.encoded("a disclosure", encoding)
		object, ok := disclosed(text)
		if !ok {
			l.Faults = append(l.Faults, "a disclosure is not [salt, name, value]")
		}
		members, _ := r.members(of.Where+" disclosure", false, object)
		l.Claims = append(l.Claims, members...)
	}
	if l.Length == 0 {
		return
	}
	if len(r.u.Layers) == maxLayers {
		r.limit(LimitLayers)
		return
	}
	r.u.Layers, r.texts = append(r.u.Layers, l), append(r.texts, "")
}

// disclosed returns a disclosure as a JSON object with one member. The name of an array element is
// "...", the name that stands with its digest in the claims. The name of a text that is not a
// disclosure is "", and ok is false.
func disclosed(text string) (object string, ok bool) {
	p := lax{text: text}
	var values []string
	if p.take('[') {
		for i := 0; i < 4 && !p.atEnd() && !p.take(']'); i++ {
			if i > 0 && !p.take(',') {
				break
			}
			p.peek()
			start := p.i
			ok = p.skip()
			values = append(values, text[start:p.i])
		}
	}
	switch {
	case len(values) >= 3 && strings.HasPrefix(values[1], `"`):
		return "{" + values[1] + ":" + values[2] + "}", ok && len(values) == 3
	case len(values) == 2:
		return `{"...":` + values[1] + "}", ok
	}
	quoted, _ := json.Marshal(text)
	return `{"":` + string(quoted) + "}", false
}
