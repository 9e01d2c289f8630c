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
// Before the at sign it is laxer than RFC 5322: any letter may stand there (RFC 6531).
// After the at sign it is stricter: the last label of the domain must look like a
// top-level domain. So pkg@1.2.3 and root@localhost are not e-mail addresses.
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
	// In a URL such as ssh://deploy@example.com the user is usually an account of a machine, and
	// so is git in git@example.com:path. So neither counts as an e-mail address.
	user := local
	for user > 0 && at-user < maxLocal && (isLocal(text[user-1]) || text[user-1] == ':') {
		user--
	}
	scheme := strings.HasSuffix(text[:user], "://")
	clone := text[local:at] == "git" && hasPrefixAt(text, after+len(domain), ":")
	return !scheme && !clone
}

// isLocal reports whether b may stand before the at sign. RFC 5322 also allows * and {}, but
// people mask addresses with * and write templates with {}. It also allows the slash, which is
// mostly a part of a path. So isLocal returns false for these.
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

// domainAt returns the longest text at i that can be a domain, ASCII or not, without the full
// stop or hyphen that may follow it in a sentence.
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
		return false // addresses of Google's service accounts, which stand in tokens as iss
	}
	// Only the letters at the start of the last label have to look like a top-level domain,
	// because text may follow directly: in a language without spaces, or after a hyphen, as
	// in com-session. For this reason labels that begin with xn-- pass, too.
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

// isExtension reports whether the last label is the extension of a file name, as in icon@2x.png, or
// of a systemd unit, as in user@1000.service. Only map and target in the list are also top-level
// domains, each of a single company.
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
