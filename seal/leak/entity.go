package leak

import "bytes"

// HTML spells characters as entities: &#46; &#x2e; &period;. They are undone once, before all other
// encodings, because HTML usually stands around URLs and JSON and seldom in them. The entities of a
// quotation mark and of a backslash stay as they are: in a string of JSON, the character would end
// the string or change what follows, and hide the token around it. quotings has the spellings of
// the quotation mark.

// maxEntity is the length of the longest entity that is undone, leading zeros included, without
// the semicolon. A longer entity stays as it stands.
const maxEntity = 16

// entityNames are the names (HTML, section 13.5) of ASCII characters, without the quotation mark
// and the backslash. Other characters stand in no token.
var entityNames = map[string]byte{
	"amp": '&', "AMP": '&', "lt": '<', "LT": '<', "gt": '>', "GT": '>', "apos": '\'',
	"Tab": '\t', "NewLine": ' ', "excl": '!', "num": '#', "dollar": '$', "percnt": '%', "lpar": '(', "rpar": ')',
	"ast": '*', "midast": '*', "plus": '+', "comma": ',', "period": '.', "sol": '/', "colon": ':', "semi": ';',
	"equals": '=', "quest": '?', "commat": '@', "lsqb": '[', "lbrack": '[', "rsqb": ']', "rbrack": ']',
	"Hat": '^', "lowbar": '_', "UnderBar": '_', "grave": '`', "DiacriticalGrave": '`', "lcub": '{', "lbrace": '{',
	"verbar": '|', "vert": '|', "VerticalLine": '|', "rcub": '}', "rbrace": '}',
}

// entity returns the character for the entity at the beginning of b, and the length of the entity.
// n is 0 if b begins with no entity that is to be undone. cut reports that b may end within the
// entity.
func entity(b []byte) (char byte, n int, cut bool) {
	end := 1
	for end < len(b) && end < maxEntity && (class[b[end]]&urlDigit != 0 || b[end] == '#' && end == 1) {
		end++
	}
	if end == len(b) {
		return 0, 0, true
	}
	if end == 1 || b[end] != ';' {
		return 0, 0, false
	}
	name := b[1:end]
	if name[0] != '#' {
		if char, ok := entityNames[string(name)]; ok {
			return char, end + 1, false
		}
		return 0, 0, false
	}
	digits, base := name[1:], 10
	if len(digits) > 0 && digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	code := 0
	for _, c := range digits {
		value := int(c - '0')
		if base == 16 && c > '9' {
			value = int(unhex(c))
		}
		if c < '0' || value >= base {
			return 0, 0, false
		}
		if code = code*base + value; code > 0x7F {
			return 0, 0, false
		}
	}
	switch {
	case code == '\n' || code == '\r':
		return ' ', end + 1, false // not a line feed, which would change the line numbers
	case code == 0 || code == '"' || code == '\\': // no digits, or left as they stand
		return 0, 0, false
	}
	return byte(code), end + 1, false
}

// entities undoes entities in a buffer, and knows where its characters stood before. It keeps one byte
// for each character, so that no text with many entities takes much memory.
type entities struct {
	gone []byte  // how many bytes are gone right before each byte of buf; none behind the last entity
	sums []int64 // how many are gone before every summed bytes of buf
	all  int64   // in all
}

// summed is the distance of sums.
const summed = 256

// undo undoes the entities in buf[from:] in place. If buf may end within an entity, text[cut:] is
// the beginning of that entity, and the caller must read on before it is undone. Otherwise cut is
// the length of text.
func (e *entities) undo(buf []byte, from int, atEnd bool) (text []byte, cut int) {
	i := bytes.IndexByte(buf[from:], '&')
	if i < 0 {
		return buf, len(buf)
	}
	to := from + i // buf[:to] is done
	for i = to; ; {
		char, n, isCut := entity(buf[i:])
		if isCut && !atEnd {
			held := copy(buf[to:], buf[i:])
			return buf[:to+held], to
		}
		if n > 0 {
			buf[to] = char
			e.note(to+1, n-1)
		} else {
			buf[to], n = '&', 1
		}
		to++
		i += n
		next := bytes.IndexByte(buf[i:], '&')
		if next < 0 {
			to += copy(buf[to:], buf[i:])
			return buf[:to], to
		}
		copy(buf[to:], buf[i:i+next])
		to += next
		i += next
	}
}

// note notes that bytes are gone right before buf[at].
func (e *entities) note(at, bytes int) {
	for len(e.gone) <= at {
		if len(e.gone)%summed == 0 {
			e.sums = append(e.sums, e.all)
		}
		e.gone = append(e.gone, 0)
	}
	e.gone[at] = byte(bytes)
	e.all += int64(bytes)
}

// before returns how many bytes are gone before buf[i].
func (e *entities) before(i int) int64 {
	if i >= len(e.gone) {
		return e.all
	}
	sum := e.sums[i/summed]
	for _, n := range e.gone[i/summed*summed : i+1] {
		sum += int64(n)
	}
	return sum
}

// release forgets so many bytes at the beginning of the buffer.
func (e *entities) release(bytes int) {
	sum := e.before(bytes)
	if bytes >= len(e.gone) {
		e.gone, e.sums = e.gone[:0], e.sums[:0]
		return
	}
	e.gone = e.gone[:copy(e.gone, e.gone[bytes:])]
	e.gone[0] = 0 // it counts in sum
	e.sums = e.sums[:0]
	for i, n := range e.gone {
		if i%summed == 0 {
			e.sums = append(e.sums, sum)
		}
		sum += int64(n)
	}
}
