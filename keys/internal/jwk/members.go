package jwk

import (
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// members holds the members of a JWK. In a JWK of another party (foreign) a member whose value
// is null or empty counts as absent: the serializers of some issuers write every member that
// they know (RFC 7517 section 4).
type members struct {
	strict.Object
	foreign bool
}

// has reports whether the JWK has the member, and in a foreign JWK whether its value is not
// empty.
func (m members) has(name string) bool {
	raw, ok := m.Raw(name)
	return ok && !(m.foreign && isEmpty(raw))
}

// text returns the value of a member that must be a string. ok is false if the method has returns
// false.
func (m members) text(name string) (s string, ok bool, err error) {
	if !m.has(name) {
		return "", false, nil
	}
	return m.Text(name)
}

// isEmpty reports whether a JSON value is null, an empty string, an empty array or an empty object.
func isEmpty(raw []byte) bool {
	switch text := string(raw); text[0] {
	case 'n':
		return true
	case '"':
		return text == `""`
	case '[', '{':
		return strings.Trim(text[1:len(text)-1], " \t\r\n") == ""
	}
	return false
}

var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// HasSecret reports whether a JWK of another party holds private or symmetric key material.
// A member without a value does not count.
func HasSecret(o strict.Object) bool {
	return slices.ContainsFunc(secretMembers, members{o, true}.has)
}

// otherUses tells the use of an algorithm or a curve by the start of its name, even if this library
// does not offer that algorithm or curve. It covers names of RFC 7518, RFC 8812, RFC 9864 and RFC
// 9964.
var otherUses = []struct{ start, use string }{
	{"ECDH-", "enc"}, {"RSA-", "enc"}, {"RSA1", "enc"}, {"A1", "enc"}, {"A2", "enc"}, {"dir", "enc"}, {"PBES2-", "enc"}, {"HPKE-", "enc"},
	{"X25519", "enc"}, {"X448", "enc"},
	{"ES", "sig"}, {"RS", "sig"}, {"PS", "sig"}, {"HS", "sig"}, {"Ed", "sig"}, {"ML-DSA", "sig"}, {"SLH-DSA", "sig"},
}

// UseOf returns the use of keys for an algorithm or on a curve with this name, empty if otherUses
// lacks the name. This library need not offer the algorithm or the curve.
func UseOf(name string) string {
	for _, o := range otherUses {
		if strings.HasPrefix(name, o.start) {
			return o.use
		}
	}
	return ""
}
