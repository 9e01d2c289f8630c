package leak

import "strings"

// readDisclosures reads the disclosures of an SD-JWT, which belong to the layer. A disclosure is [salt, name, value] or
// [salt, value] in base64url (RFC 9901 section 4.2).
func (r *reading) readDisclosures(of *Layer, list []string) {
	l := Layer{Where: of.Where + " disclosures", Form: Disclosures, HasClaims: true}
	for _, part := range list {
		if part == "" {
			continue
		}
		l.Length += len(part)
		b, how := decode(nil, part)
		l.spelled(r, "a disclosure", how)
		text, encoding, _ := asText(b)
		l.encoded(r, "a disclosure", encoding)
		object, ok := disclosed(text)
		if !ok {
			l.fault(r, "a disclosure is not [salt, name, value]")
		}
		r.members(&l.Claims, of.Where+" disclosure", false, object)
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
	return `{"":` + quoted(text) + "}", false
}
