package pii

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of RFC 5321 section 4.5.3.1, in bytes.
const (
	maxLocal  = 64
	maxDomain = 255
)

// isEmail reports whether the at sign text[at:after] belongs to an e-mail address.
// It is laxer than RFC 5322 before the sign, where any letter may stand (RFC 6531),
// and stricter after it: the last label of the domain must be able to be a
// top-level domain, as 3 in pkg@1.2.3 and localhost cannot.
func isEmail(text string, at, after int) bool {
	domain := domainAt(text, after)
	if !isMailDomain(domain) {
		return false
	}
	local := at
	for local > 0 && at-local < maxLocal && isLocal(text[local-1]) {
		local--
	}
	if !strings.ContainsFunc(text[local:at], isWordRune) && !endsQuoted(text[:at]) {
		return false
	}
	// The user of an ssh or database URL is a machine's more often than not, and
	// git@ before a colon always is.
	user := local
	for user > 0 && at-user < maxLocal && (isLocal(text[user-1]) || text[user-1] == ':') {
		user--
	}
	scheme := strings.HasSuffix(text[:user], "://")
	clone := text[local:at] == "git" && hasPrefixAt(text, after+len(domain), ":")
	return !scheme && !clone
}

// isLocal reports whether b may stand before the at sign. The signs that people
// mask addresses and write templates with, * and {}, are left out, and the slash,
// which stands far more often in a path.
func isLocal(b byte) bool {
	return isAlnum(b) || b >= utf8.RuneSelf || isOneOf(b, ".!#$%&'+-=?^_`|~")
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// endsQuoted reports whether text ends in a quoted local part: "ada q"@example.com.
func endsQuoted(text string) bool {
	inner, ok := strings.CutSuffix(text, `"`)
	if !ok {
		return false
	}
	inner = inner[max(0, len(inner)-maxLocal):]
	open := strings.LastIndexByte(inner, '"')
	return open >= 0 && strings.ContainsFunc(inner[open:], isWordRune)
}

// domainAt returns the longest text at i that can be a domain, ASCII or not,
// without the full stop of the sentence.
func domainAt(text string, i int) string {
	end := i
	for end < len(text) && end-i < maxDomain {
		if b := text[end]; !isAlnum(b) && b != '-' && b != '.' && b < utf8.RuneSelf {
			break
		}
		end++
	}
	return strings.TrimRight(text[i:end], ".-")
}

func isMailDomain(domain string) bool {
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 || isVersion(domain) || strings.HasSuffix(domain, ".gserviceaccount.com") {
		return false // Google's machines have addresses too, and are issuers
	}
	// A word may follow without a space where the language has none, or after a
	// hyphen, as in com-session. That lets xn-- in too.
	top := domain[dot+1:]
	letters := strings.IndexFunc(top, func(r rune) bool { return !unicode.IsLetter(r) })
	if letters < 0 {
		letters = len(top)
	} else if r, _ := utf8.DecodeRuneInString(top[letters:]); unicode.IsDigit(r) {
		return false
	}
	return utf8.RuneCountInString(top[:letters]) >= 2 && !isExtension(top[:letters])
}

// isVersion reports whether a text begins as 1.2 or v1.2 does.
func isVersion(s string) bool {
	s = strings.TrimPrefix(s, "v")
	rest := strings.TrimLeft(s, "0123456789")
	return len(rest) < len(s) && len(rest) > 1 && rest[0] == '.' && isDigit(rest[1])
}

// isExtension reports whether a last label ends the name of a file, as in icon@2x.png, or
// of a systemd unit, as in user@1000.service. None of them is a top-level domain.
func isExtension(label string) bool {
	if len(label) > len("service") {
		return false
	}
	switch strings.ToLower(label) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "bmp",
		"js", "mjs", "cjs", "jsx", "ts", "tsx", "css", "scss", "json", "html", "htm",
		"xml", "yaml", "yml", "toml", "txt", "csv", "pdf", "map", "conf", "log", "tgz", "gz",
		"service", "socket", "timer", "target", "slice", "scope", "mount":
		return true
	}
	return false
}
