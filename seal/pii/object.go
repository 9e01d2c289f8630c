package pii

import (
	"encoding/json"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// walker collects what it finds. Everything it reads has been accepted by
// [strict.ParseClaims], which bounds the depth, so no reading below can fail.
type walker struct{ found []Finding }

func (w *walker) add(at place, kind Kind) {
	w.found = append(w.found, Finding{at.claim, at.path, kind})
}

func (w *walker) object(o strict.Object, at place) {
	private := privateMember(o)
	if private != "" && !at.top {
		w.add(at, PrivateKey)
		return
	}
	for name, raw := range o.All() {
		if private != "" && name == private {
			w.add(at.member(name, false), PrivateKey)
			continue
		}
		w.member(name, raw, at)
	}
}

// member looks at one member. What has a personal name is one finding, however many
// there are in its value.
func (w *walker) member(name string, raw json.RawMessage, in place) {
	if kind, ok := InText(name); ok {
		w.add(in.member(name, true), kind)
		return
	}
	at := in.member(name, false)
	kind, how := nameKind(name)
	if how == anywhere || how == ofPerson && (in.top || in.person) {
		w.add(at, kind)
		return
	}
	if in.top && name == "sealed" && isSealed(raw) {
		return
	}
	at.person = isPersonName(name)
	w.value(raw, at)
}

func (w *walker) value(raw json.RawMessage, at place) {
	switch raw[0] {
	case '{':
		if o, err := strict.ParseClaim(raw); err == nil {
			w.object(o, at)
		}
	case '[':
		for i, item := range items(raw) {
			w.value(item, at.element(i))
		}
	case '"':
		if kind, ok := InText(text(raw)); ok {
			w.add(at, kind)
		}
	default:
		// A number is looked at as it is spelled, if it is a whole one. What has a
		// fraction or an exponent is a quantity.
		if kind, ok := InText(string(raw)); ok && wordEnd(string(raw), 0) == len(raw) {
			w.add(at, kind)
		}
	}
}

// items returns the elements of an array, which never fails for accepted text.
func items(raw json.RawMessage) (elements []json.RawMessage) {
	json.Unmarshal(raw, &elements)
	return elements
}

// text returns a string, which never fails for accepted text, or "" for what is none.
func text(raw json.RawMessage) (s string) {
	json.Unmarshal(raw, &s)
	return s
}

// isSealed reports whether a member is our own claims for recipients: an array of
// compact JWEs (RFC 7516 section 7.1), in which nobody reads anything.
func isSealed(raw json.RawMessage) bool {
	if raw[0] != '[' {
		return false
	}
	for _, item := range items(raw) {
		if !isJWE(text(item)) {
			return false
		}
	}
	return true
}

func isJWE(s string) bool {
	parts := strings.Split(s, ".")
	for _, part := range parts {
		if base64URLEnd(part, 0) != len(part) {
			return false
		}
	}
	return len(parts) == 5 && strings.HasPrefix(s, "eyJ")
}
