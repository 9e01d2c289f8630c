package strict

import "strings"

// maxMediaType is the length in bytes of a media type, far above those in use.
const maxMediaType = 128

// IsMediaType reports whether s can be the typ or cty of a header (RFC 7515 section
// 4.1.9): printable ASCII without spaces, quotes and backslashes, and not empty.
func IsMediaType(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= maxMediaType
}

// SameMediaType compares typ and cty as RFC 7515 section 4.1.9 has it: without regard
// to case, and with or without the application/ prefix.
func SameMediaType(a, b string) bool {
	a, b = trimApplication(a), trimApplication(b)
	// EqualFold also folds characters beyond ASCII; those are longer in UTF-8.
	return len(a) == len(b) && strings.EqualFold(a, b)
}

func trimApplication(s string) string {
	const prefix = "application/"
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):]
	}
	return s
}
