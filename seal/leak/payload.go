package leak

import (
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// readPayload reads the payload of a JWS, and adds its claims, or the text that stands there instead
// of claims, to the layer.
func (r *reading) readPayload(l *Layer, b []byte) {
	text, encoding, isText := asText(b)
	first := len(l.Claims)
	l.HasClaims = r.members(&l.Claims, l.Where+" claim", false, text)
	l.encoded(r, "its payload", encoding)
	if l.HasClaims {
		l.SealedTo += sealedTo(l.Claims[first:])
		if _, err := strict.ParseClaims([]byte(text)); err != nil {
			l.fault(r, "its claims: "+reason(err))
		}
		return
	}
	l.Text, l.Binary = text, !isText
	if len(l.Claims) > first {
		l.fault(r, "its claims are not one JSON object: they break off, or something follows")
	}
	if inner, ok := stringOf(text); ok { // a writer encoded its JSON twice
		text = inner
		if r.members(&l.Claims, l.Where+" claim", false, text) {
			for i := range l.Claims[first:] {
				l.HoldsToken = l.HoldsToken || l.Claims[first+i].HoldsToken
			}
			return
		}
	}
	r.readText(l, r.readArray(l, text))
}

// stringOf returns the text of a JSON string that is all of a text.
func stringOf(text string) (inner string, ok bool) {
	p := lax{text: text}
	if p.peek() != '"' {
		return "", false
	}
	inner, ok = p.str()
	return inner, ok && p.atEnd()
}

// readArray reads a payload that is an array, and returns the text behind it. It returns the whole text
// if the text does not begin with an array.
func (r *reading) readArray(l *Layer, text string) (rest string) {
	var m Member
	w := walk{lax: lax{text: text}, r: r, where: l.Where, m: &m}
	if w.peek() != '[' {
		return text
	}
	var top pii.Place
	at, _, _ := top.Member("payload")
	w.value(&at, 1)
	l.Personal = append(l.Personal, m.Personal...)
	l.HoldsToken = m.HoldsToken
	return text[w.i:]
}

// readText looks for tokens and personal data in a payload that is a text.
func (r *reading) readText(l *Layer, text string) {
	rest := r.tokensIn(func() string { return l.Where + " payload" }, text)
	l.HoldsToken = l.HoldsToken || rest != text
	if kind, ok := pii.InText(rest); ok {
		r.found(&l.Personal, pii.Finding{Path: "payload", Kind: kind})
	}
}
