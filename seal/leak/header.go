package leak

import "strings"

// What counts as the header of a token.

const (
	// firstDigits are decoded of what may begin a header. They tell most other texts from one.
	firstDigits = 12
	// moreDigits are decoded next: nearly every header is shorter.
	moreDigits = 136
)

// headerIn looks for the header of a token at the end of b. It returns where the header begins, and
// whether it is the header of a JWE. Characters of the text around may stand before it: of
// "%20eyJ…" and "\u003deyJ…" some characters are base64url too. full reports that it gave up after
// maxStarts places, or after it decoded twice the length of b.
func headerIn(b []byte) (start int, encrypted, ok, full bool) {
	end := headerEnd(b)
	from := end
	for from > 0 && digits[b[from-1]] != noDigit {
		from--
	}
	tried, left := 0, 2*(end-from)
	for i := from; end-i >= minHeader; i++ {
		first := i == from || b[i-1] == '/' || b[i-1] == '+'
		if !opensObject(b[i:]) && !(first && opensElse(b[i:])) {
			continue
		}
		if tried++; tried > maxStarts || left <= 0 {
			return 0, false, false, true
		}
		encrypted, ok, decoded := headerAt(b[i:end])
		if ok {
			return i, encrypted, true, false
		}
		left -= decoded
	}
	return 0, false, false, false
}

// headerEnd returns where the digits of a header end that b ends with.
func headerEnd(b []byte) int {
	end := len(b)
	for end > 0 && b[end-1] == '=' && len(b)-end < 2 {
		end--
	}
	return end
}

// headerAt reports whether b is the header of a token. decoded is how many bytes it decoded for that
// behind the first digits: it stops soon where b is something else.
func headerAt(b []byte) (encrypted, ok bool, decoded int) {
	for n := firstDigits; ; n = max(4*n, moreDigits) {
		part := b[:min(n, len(b))]
		part, _ = decode(make([]byte, 0, len(part)), part)
		if n > firstDigits {
			decoded += len(part)
		}
		encrypted, ok, failed := header(part)
		if failed || n >= len(b) {
			return encrypted, ok, decoded
		}
	}
}

// opensObject reports whether a part begins with { and then a name in quotes, or white space.
func opensObject(b []byte) bool {
	if len(b) < 3 || b[0] != 'e' {
		return false
	}
	switch b[1] {
	case 'y':
		return b[2] == 'I' || b[2] == 'J' || b[2] == 'L' || b[2] == 'A'
	case 'w':
		return b[2] == 'o' || b[2] == '0' || b[2] == 'k'
	}
	return false
}

// opensElse reports whether a part begins with a space, a tab, a line feed or a carriage return and
// then another or the {, or with a byte order mark or in UTF-16.
func opensElse(b []byte) bool {
	switch string(b[:2]) {
	case "IA", "IC", "IH", "CQ", "CS", "CX", "Cg", "Ci", "Cn", "DQ", "DS", "DX", "77", "ew", "AH", "//", "/v", "__", "_v":
		return true
	}
	return false
}

// isHeader reports whether bytes are a JSON object that names an algorithm. encrypted reports
// whether it names enc too.
func isHeader(b []byte) (encrypted, ok bool) {
	encrypted, ok, _ = header(b)
	return encrypted, ok
}

// header decides as isHeader does, for bytes that may go on. failed reports that b cannot be the
// beginning of a header. Careless readers do not tell Alg from alg.
func header(b []byte) (encrypted, ok, failed bool) {
	if len(b) == 0 || b[0] > ' ' && b[0] != '{' && b[0] < 0xEF {
		return false, false, true
	}
	text, _, _ := asText(b)
	p := lax{text: text}
	alg := false
	whole := p.object(func(name string) bool {
		null := strings.HasPrefix(text[p.i:], "null") || p.peek() == 'n'
		encrypted = encrypted || strings.EqualFold(name, "enc") && !null
		alg = alg || strings.EqualFold(name, "alg") && !null
		return p.skip()
	})
	atEnd := p.atEnd()
	return encrypted, alg && whole && atEnd, !atEnd
}

// damagedIn looks for a header that is none, because it names no algorithm or was damaged, before
// claims and a signature: b is a text, and the header ends at dot. Claims tell more than a
// header that a text is a token.
func damagedIn(b []byte, dot int) (start int, ok bool) {
	end := partEnd(b, dot+1, false)
	if end == len(b) || b[end] != '.' {
		return 0, false
	}
	payload := b[dot+1 : end]
	if len(payload) < len("ey") || !opensObject(payload) && !opensElse(payload) || !holdsClaims(payload) {
		return 0, false
	}
	if encrypted, ok, _ := headerAt(payload); ok && tokenLength(b[dot+1:], end-dot-1, encrypted) > 0 {
		return 0, false // the token begins there
	}
	start = headerEnd(b[:dot])
	first := start
	for first > 0 && class[b[first-1]]&urlDigit != 0 {
		first--
	}
	for i := first; i < start; i++ {
		if opensObject(b[i:dot]) {
			return i, true
		}
	}
	return first, true
}
