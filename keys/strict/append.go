package strict

import (
	"encoding/json"
	"unicode/utf8"
)

// AppendMember appends a member to a JSON object that is being written: dst begins with the
// opening brace of the object, and the caller appends the closing one. The value is JSON text,
// which AppendMember copies unchanged. The name is written as [AppendString] writes it. The
// caller must refuse a name that is not UTF-8.
func AppendMember(dst []byte, name string, value json.RawMessage) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		dst = append(dst, ',')
	}
	dst = AppendString(dst, name)
	dst = append(dst, ':')
	return append(dst, value...)
}

// AppendString appends s as a JSON string, byte for byte as encoding/json does with
// SetEscapeHTML(false): tokens need no escapes for HTML. The caller must ensure that s is
// UTF-8: other bytes become \ufffd, and two texts that differ could become the same.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := unescapedLen(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"')
		}
		r, size := utf8.DecodeRuneInString(s)
		dst = appendEscape(dst, r)
		s = s[size:]
	}
}

// unescapedLen returns the number of bytes at the start of s that need no escape.
func unescapedLen(s string) int {
	i := 0
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				break
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '\u2028' || r == '\u2029' || r == utf8.RuneError && size == 1 {
			break
		}
		i += size
	}
	return i
}

// appendEscape appends a character as an escape, a short one if there is one.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
