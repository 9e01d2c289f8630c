package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// What counts as a token in the middle of a text. A stranger does not mind how it
// is spelled: padding and spare bits, names twice, bytes that are not UTF-8. So
// scan reads all that the strict reader refuses.

const (
	// minHeader is the length of a header in base64url below which there is no room
	// for an algorithm.
	minHeader = 12

	// maxStarts is how many places in one part are tried as the beginning of a
	// header. More than one takes a text that was made to look like headers.
	maxStarts = 64
)

// ofBase64url has the characters of the base64url alphabet.
var ofBase64url = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		set[c] = true
	}
	return set
}()

// inPart: padding may stand at the end of a part.
func inPart(c byte) bool { return ofBase64url[c] || c == '=' }

// headerIn looks for the header of a token that b ends with: where it begins, and
// whether it is that of a JWE. Before it may stand what belongs to the text around:
// of "%20eyJ…" and "\u003deyJ…" some characters are base64url too.
func headerIn(b []byte) (start int, encrypted, ok bool) {
	end := len(b)
	for end > 0 && b[end-1] == '=' && len(b)-end < 2 {
		end--
	}
	from := end
	for from > 0 && ofBase64url[b[from-1]] {
		from--
	}
	if end-from < minHeader {
		return 0, false, false
	}
	tried := 0
	for i := from; end-i >= minHeader && tried < maxStarts; i++ {
		if i > from || !opensWithSpace(b[i:]) {
			next := bytes.IndexByte(b[i:end-minHeader+1], 'e')
			if next < 0 {
				break
			}
			i += next
			if !opensObject(b[i:]) {
				continue
			}
		}
		tried++
		if encrypted, ok := isHeader(b[i:end]); ok {
			return i, encrypted, true
		}
	}
	return 0, false, false
}

// opensObject: { and then a name in quotes, or white space.
func opensObject(b []byte) bool {
	if b[0] != 'e' {
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

// opensWithSpace: a space, a tab, a line feed or a carriage return, and then another
// or the {.
func opensWithSpace(b []byte) bool {
	switch string(b[:2]) {
	case "IA", "IC", "IH", "CQ", "CS", "CX", "Cg", "Ci", "Cn", "DQ", "DS", "DX":
		return true
	}
	return false
}

// isHeader: a JSON object that names an algorithm.
func isHeader(part []byte) (encrypted, ok bool) {
	text := decodeLoosely(part)
	var header struct{ Alg, Enc any }
	if !bytes.ContainsRune(text, '{') || json.Unmarshal(text, &header) != nil {
		return false, false
	}
	return header.Enc != nil, header.Alg != nil
}

// tokenLength is the length of the token that b begins with and whose header ends
// at dot; 0 if there is none. It is not sure when b ends before the token does.
//
// The text around may go on with a full stop of its own: behind three parts of a
// JWS whatever follows is text. Two parts are what is left of one when somebody took
// the signature off to log it, or when the line was cut.
func tokenLength(b []byte, dot int, encrypted bool) (length int, sure bool) {
	want := partsJWS
	if encrypted {
		want = partsJWE
	}
	ends := []int{dot}
	for len(ends) < want {
		last := ends[len(ends)-1]
		if last == len(b) {
			return jwsLength(b, ends, encrypted), false
		}
		if b[last] != '.' {
			break
		}
		ends = append(ends, partEnd(b, last+1))
	}
	last := ends[len(ends)-1]
	if len(ends) == partsJWE && last-ends[2] > len("..") {
		return last, last < len(b)
	}
	return jwsLength(b, ends, encrypted), last < len(b)
}

// jwsLength: a header that was cut off behind is no token, and neither is a JWE
// that was, of which nothing but the header can be read. A JWS whose signature is
// missing shows all that it did before, and one that was cut in the payload what is
// before the cut.
func jwsLength(b []byte, ends []int, encrypted bool) int {
	if len(ends) < partsJWS-1 {
		return 0
	}
	payload := b[ends[0]+1 : ends[1]]
	switch {
	case len(ends) == partsJWS-1:
		if encrypted || !beginsObject(payload) {
			return 0
		}
		return ends[1]
	case ends[2]-ends[0] == len(".."):
		return 0
	case encrypted && (len(payload) < minHeader || !opensObject(payload)):
		return 0
	}
	return ends[2]
}

// beginsObject: a part that was cut off anywhere behind the { and what comes next in
// an object. Without a third part nothing else tells a payload from the text around.
func beginsObject(part []byte) bool {
	const space = " \t\r\n"
	text, ok := bytes.CutPrefix(bytes.TrimLeft(decodeLoosely(part), space), []byte{'{'})
	text = bytes.TrimLeft(text, space)
	return ok && len(text) > 0 && (text[0] == '"' || text[0] == '}')
}

// partEnd is where the part ends that begins at from, padding included if it is
// some.
func partEnd(b []byte, from int) int {
	end := from
	for end < len(b) && ofBase64url[b[end]] {
		end++
	}
	padded := end
	for padded < len(b) && b[padded] == '=' && (padded-from)%4 != 0 {
		padded++
	}
	if (padded-from)%4 == 0 && padded-end <= 2 {
		return padded
	}
	return end
}

// decodeLoosely decodes what can be decoded of a part. A character that is left
// over at the end, because the rest was cut off, has no bytes.
func decodeLoosely(part []byte) []byte {
	part = bytes.TrimRight(part, "=")
	if len(part)%4 == 1 {
		part = part[:len(part)-1]
	}
	text := make([]byte, base64.RawURLEncoding.DecodedLen(len(part)))
	n, _ := base64.RawURLEncoding.Decode(text, part)
	return text[:n]
}
