package pii

import (
	"encoding/json"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// walker collects findings. Package strict has accepted everything that it reads, and bounds the
// depth, so no reading below can fail.
type walker struct{ found []Finding }

func (w *walker) add(at *Place, kind Kind) {
	w.found = append(w.found, at.Finding(kind))
}

func (w *walker) object(o strict.Object, at *Place) {
	private := privateMember(o)
	if private != "" && at.parent != nil {
		w.add(at, PrivateKey)
		return
	}
	for name, raw := range o.All() {
		if name == "zip" && at.parent == nil && isHeader(o) {
			continue
		}
		if private != "" && name == private {
			w.add(&Place{parent: at, name: name}, PrivateKey)
			continue
		}
		w.member(name, raw, at)
	}
}

// member looks at one member of the object at in. A member with a personal name is one finding, and
// its value is not searched. The sealed claims of a selective token are not searched either, because
// a stranger cannot read them. Every other value is searched.
func (w *walker) member(name string, raw json.RawMessage, in *Place) {
	at, kind, personal := in.Member(name)
	switch {
	case personal:
		w.add(&at, kind)
	case in.parent == nil && name == "sealed" && isSealed(raw):
	default:
		w.value(raw, &at)
	}
}

func (w *walker) value(raw json.RawMessage, at *Place) {
	switch raw[0] {
	case '{':
		if o, err := strict.ParseClaim(raw); err == nil {
			w.object(o, at)
		}
	case '[':
		for i, item := range items(raw) {
			element := at.Element(i)
			w.value(item, &element)
		}
	case '"':
		if kind, ok := at.Value(text(raw)); ok {
			w.add(at, kind)
		}
	default:
		if kind, ok := InNumber(string(raw)); ok {
			w.add(at, kind)
		}
	}
}

// isHeader reports whether an object is a JOSE header. In a JOSE header zip is a compression
// algorithm (RFC 7516 section 4.1.3) and not a postal code.
func isHeader(o strict.Object) bool {
	_, ok := o.Raw("alg")
	return ok
}

// items returns the elements of an array, which never fails for accepted text.
func items(raw json.RawMessage) (elements []json.RawMessage) {
	json.Unmarshal(raw, &elements)
	return elements
}

// text returns a string, which never fails for accepted text, or "" for any other value.
func text(raw json.RawMessage) (s string) {
	json.Unmarshal(raw, &s)
	return s
}

// isSealed reports whether a member holds the sealed claims of a selective token: an array of
// compact JWEs (RFC 7516 section 7.1), in which a stranger reads nothing.
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
