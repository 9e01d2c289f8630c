package strict

import "strings"

// maxMediaType is the greatest length of a media type in bytes. Every registered one is far shorter.
const maxMediaType = 128

// IsMediaType reports whether s can be the typ or cty of a header (RFC 7515 section 4.1.9): 1
// to 128 characters of printable ASCII without spaces, double quotes and backslashes.
func IsMediaType(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= maxMediaType
}

// SameMediaType reports whether two values of typ or cty are the same by RFC 7515 section
// 4.1.9: upper and lower case are equal, and the prefix application/ may be left out.
func SameMediaType(a, b string) bool {
	a, b = trimApplication(a), trimApplication(b)
	// EqualFold also equates ASCII letters with characters beyond ASCII: k with the Kelvin sign.
	// These are longer in UTF-8. So if one value is ASCII, a value with such a character has another
	// length. Every caller compares with a type that it expects, which is ASCII.
	return len(a) == len(b) && strings.EqualFold(a, b)
}

func trimApplication(s string) string {
	const prefix = "application/"
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):]
	}
	return s
}
