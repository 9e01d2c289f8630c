package pii

import (
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// isPEM reports whether a private key in PEM begins at i (RFC 7468 sections 10 and 11, and the
// formats of OpenSSL, OpenSSH and OpenPGP).
func isPEM(text string, i int) bool {
	const begin, maxLabel = "-----BEGIN ", 40
	if !hasPrefixAt(text, i, begin) {
		return false
	}
	label := text[i+len(begin):]
	label, _, ok := strings.Cut(label[:min(len(label), maxLabel)], "-----")
	return ok && (strings.HasSuffix(label, "PRIVATE KEY") || strings.HasSuffix(label, "PRIVATE KEY BLOCK"))
}

// isAgeKey reports whether a secret key of the program age stands at i: the prefix
// AGE-SECRET-KEY-1 and at least 58 letters and digits, the length of the key in Bech32.
func isAgeKey(text string, i int) bool {
	const prefix, length = "AGE-SECRET-KEY-1", 58
	return hasPrefixAt(text, i, prefix) && wordEnd(text, i+len(prefix))-i-len(prefix) >= length
}

// privateMember returns the name of the member that holds the private or symmetric key if o is
// a JWK with such a member (RFC 7518 sections 6.2.2, 6.3.2 and 6.4), and "" otherwise.
func privateMember(o strict.Object) string {
	kty, ok, err := o.Text("kty")
	if !ok || err != nil {
		return ""
	}
	name := "d"
	if kty == "oct" {
		name = "k"
	}
	if value, _, err := o.Text(name); err != nil || value == "" {
		return ""
	}
	return name
}
