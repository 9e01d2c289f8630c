package pii

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// isToken reports whether a credential begins at i, the start of a word.
func isToken(text string, i int) bool {
	switch text[i] {
	case 'e':
		return isCompact(text, i)
	case 'B', 'b':
		return isBearer(text, i) || isBasic(text, i)
	}
	for _, p := range secretsOf(text[i]) {
		if hasPrefixAt(text, i, p.prefix) && p.matches(text[i+len(p.prefix):]) {
			return true
		}
	}
	return false
}

// minHeader is the length of the shortest JOSE header in base64url: {"alg":"A"}.
const minHeader = 15

// isCompact reports whether a compact JWS or JWE stands at i (RFC 7515 section 7.1,
// RFC 7516 section 7.1), or enough of one to read its claims: a JSON object in
// base64url begins with eyJ.
func isCompact(text string, i int) bool {
	if !hasPrefixAt(text, i, "eyJ") || i > 0 && isBase64URL(text[i-1]) {
		return false
	}
	dot := base64URLEnd(text, i)
	if dot-i < minHeader || !hasPrefixAt(text, dot, ".") {
		return false
	}
	if hasPrefixAt(text, dot+1, "eyJ") {
		return true
	}
	return hasPrefixAt(text, base64URLEnd(text, dot+1), ".")
}

func isBase64URL(b byte) bool { return isAlnum(b) || b == '-' || b == '_' }

func base64URLEnd(text string, i int) int {
	for i < len(text) && isBase64URL(text[i]) {
		i++
	}
	return i
}

// isBearer reports whether the word Bearer and a token stand at i (RFC 6750 section 2.1). A token
// without a digit does not count: it is mostly a word of a sentence about bearer tokens.
func isBearer(text string, i int) bool {
	const minBearer = 15 // the length of the token in the example of the RFC
	if !foldPrefixAt(text, i, "bearer ") {
		return false
	}
	i += len("bearer ")
	digits, start := 0, i
	for i < len(text) && (isBase64URL(text[i]) || isOneOf(text[i], ".~+/")) {
		if isDigit(text[i]) {
			digits++
		}
		i++
	}
	return digits > 0 && i-start >= minBearer
}

// isBasic reports whether the credentials of RFC 7617 stand at i: the word Basic and, in base64,
// a user name, a colon and a password. It decodes only the first bytes, which are enough to tell.
func isBasic(text string, i int) bool {
	if !foldPrefixAt(text, i, "basic ") {
		return false
	}
	text = text[i+len("basic "):]
	text = text[:min(len(text), 128)]
	text = text[:len(text)-len(strings.TrimLeft(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))]
	var b [96]byte
	n, err := base64.RawStdEncoding.Decode(b[:], []byte(text))
	if err != nil {
		return false
	}
	colon := strings.IndexByte(string(b[:n]), ':')
	return colon > 0 && isPrintable(b[:colon])
}

func isPrintable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(b)
}

// foldPrefixAt reports whether the prefix stands at i, whatever the case of letters in the text.
// The prefix must be in lower case.
func foldPrefixAt(text string, i int, prefix string) bool {
	return len(text)-i >= len(prefix) && (text[i]|0x20) == prefix[0] && strings.EqualFold(text[i:i+len(prefix)], prefix)
}

// isUserinfo reports whether the colon at i is the colon of :// in a URL with a password, such as
// https://user:password@host (RFC 3986 section 3.2.1). A placeholder is not a password: ${NAME},
// {{name}}, <name>, and the *** or xxxxx that loggers print in place of a password.
func isUserinfo(text string, i int) bool {
	if !hasPrefixAt(text, i, "://") || i == 0 || !isAlnum(text[i-1]) {
		return false
	}
	rest := text[i+len("://"):]
	end := strings.IndexAny(rest, "@/?# \t\r\n\"'<>")
	if end < 0 || rest[end] != '@' {
		return false
	}
	_, password, _ := strings.Cut(rest[:end], ":")
	masked := strings.Trim(password, "*") == "" || strings.Trim(password, "x") == ""
	return !masked && !strings.HasPrefix(password, "${") && !strings.HasPrefix(password, "{{")
}
