package leak

import (
	"bytes"
	"strings"
)

// What counts as a token in the middle of a text, in compact serialization.

const (
	// minHeader is the smallest length of a header in base64url that has room for an algorithm.
	minHeader = 12

	// minRun is how many characters of base64url every token has in a row: no header that names a
	// registered algorithm is shorter than {"alg":"dir"}.
	minRun = 15
)

// Classes of characters.
const (
	urlDigit = 1 << iota // of base64url
	inToken              // of a token, in any spelling: also + / = . ~
)

var class = func() (table [256]byte) {
	for i := range table {
		if c := byte(i); digits[c] < 62 || c == 0x2D || c == 0x5F {
			table[i] = urlDigit | inToken
		}
	}
	table['+'], table['/'], table['.'], table['~'], table['='] = inToken, inToken, inToken, inToken, inToken
	return table
}()

// nextRun returns where the next run of minRun characters of base64url begins at or after i; -1 if
// there is none. A run covers one of every fifteen bytes, so nextRun tests that byte first, and
// looks at about one byte in three.
func nextRun[T string | []byte](text T, i int) int {
	for i+minRun <= len(text) {
		j := i + minRun - 1
		for j >= i && class[text[j]]&urlDigit != 0 {
			j--
		}
		if j < i {
			return i
		}
		i = j + 1
	}
	return -1
}

// mayHoldToken reports whether to look for tokens in a text is worth while.
func mayHoldToken(text string) bool { return nextRun(text, 0) >= 0 }

func namesEnc(header []byte) bool {
	encrypted, _ := isHeader(header)
	return encrypted
}

// tokenLength returns the length of the token at the beginning of b whose header ends at dot; 0 if
// there is none.
//
// The text around may go on with a full stop of its own: behind three parts of a JWS whatever
// follows is text. A JWS has only two parts when a logger took the signature off, or when the line
// was cut.
func tokenLength(b []byte, dot int, encrypted bool) int {
	want := partsJWS
	if encrypted {
		want = partsJWE
	}
	standard := bytes.ContainsAny(b[:dot], "+/")
	ends := []int{dot}
	for len(ends) < want {
		last := ends[len(ends)-1]
		if last == len(b) || b[last] != '.' {
			break
		}
		end := partEnd(b, last+1, standard)
		if !standard && end < len(b) && (b[end] == '+' || b[end] == '/') {
			if longer := partEnd(b, last+1, true); len(ends) < want-1 && longer < len(b) && b[longer] == '.' || len(ends) == 1 && isWhole(b[last+1:longer]) {
				end, standard = longer, true
			}
		}
		ends = append(ends, end)
	}
	if len(ends) == partsJWE && ends[4]-ends[2] > len("..") {
		return ends[4]
	}
	return jwsLength(b, ends, encrypted)
}

// reachesEnd reports whether the token whose header ends at dot may go on behind b.
func reachesEnd(b []byte, dot int, encrypted bool) bool {
	most := partsJWS
	if encrypted {
		most = partsJWE
	}
	for parts := 1; dot < len(b) && b[dot] == '.' && parts < most; parts++ {
		dot = partEnd(b, dot+1, false)
	}
	return dot == len(b)
}

// isWhole reports whether a part is one JSON object.
func isWhole(part []byte) bool {
	b, _ := decode(nil, part)
	p := lax{text: string(b)}
	return p.peek() == '{' && p.skip() && p.atEnd()
}

// jwsLength returns the length of a JWS whose parts end at ends, 0 if it is none. It takes neither
// a header alone for a token, nor a JWE that was cut off, since only its header can be read. A JWS
// whose signature is missing shows all that it did before, and one that was cut in the payload
// shows the claims before the cut.
func jwsLength(b []byte, ends []int, encrypted bool) int {
	if len(ends) < partsJWS-1 {
		return 0
	}
	payload := b[ends[0]+1 : ends[1]]
	switch {
	case len(ends) == partsJWS-1:
		if encrypted || !beginsClaims(payload) {
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

// beginsObject reports whether a part that was cut off is the beginning of an object.
func beginsObject(part []byte) bool {
	text, ok := strings.CutPrefix(beginning(part), "{")
	text = strings.TrimLeft(text, space)
	return ok && text != "" && (text[0] == '"' || text[0] == '}')
}

// beginsClaims reports whether a part that was cut off is the beginning of an object, or of an array
// of objects, arrays or strings. Without a third part nothing else tells a payload from the text
// around.
func beginsClaims(part []byte) bool {
	text, ok := strings.CutPrefix(beginning(part), "[")
	text = strings.TrimLeft(text, space)
	return ok && text != "" && strings.IndexByte(`{["`, text[0]) >= 0 || beginsObject(part)
}

const space = " \t\r\n"

// beginning returns the text of a part from its first character on that is not white space.
func beginning(part []byte) string {
	b, _ := decode(nil, part)
	text, _, _ := asText(b)
	return strings.TrimLeft(text, space)
}

// partEnd returns where the part that begins at from ends. Its padding belongs to it if it has the
// right length.
func partEnd(b []byte, from int, standard bool) int {
	end := from
	for end < len(b) && (class[b[end]]&urlDigit != 0 || standard && (b[end] == '+' || b[end] == '/')) {
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
