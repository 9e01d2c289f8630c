package leak

import "bytes"

// Base64 is decoded in groups of four digits. Characters of the text around may stand right before a
// value that are digits too: of "%22", "\u0022", "sess_" and "base64-", or of the path around. The
// groups of the value then begin at another digit than the first one.

const (
	// minGroups is the length of the shortest text in a value that may hold a token. The shortest
	// token has 24 characters, and seven whole groups of them. Six groups of random digits
	// are text by chance in one case of 10 million.
	minGroups = 6
	// sampled is the distance of the groups that are looked at first: a run of minRun characters
	// covers four groups.
	sampled = 4
	// maxGap is how many groups in a row may hold other bytes than ASCII, such as a word in another
	// script, without ending the text.
	maxGap = 3
)

// Classes of the bytes of decoded texts.
const (
	runByte  = 1 << iota // of a run, or the 0 beside a character of ASCII in UTF-16
	textByte             // of ASCII
)

var decodedClass = func() (table [256]byte) {
	for i := range table {
		switch {
		case i == 0:
			table[i] = runByte
		case class[i]&urlDigit != 0:
			table[i] = runByte | textByte
		case i >= ' ' && i < 0x7F || i == '\t' || i == '\n' || i == '\r':
			table[i] = textByte
		}
	}
	return table
}()

// isGroup reports whether four digits decode to three bytes of a class.
func isGroup(v []byte, class byte) bool {
	d0, d1 := digits[v[0]], digits[v[1]]
	if decodedClass[d0<<2|d1>>4]&class == 0 {
		return false
	}
	d2 := digits[v[2]]
	return decodedClass[d1<<4|d2>>2]&class != 0 && decodedClass[d2<<6|digits[v[3]]]&class != 0
}

// isWideGroup reports whether every second of the bytes is 0. Binary data have longer runs of zeros.
func isWideGroup(v []byte) bool {
	d0, d1, d2, d3 := digits[v[0]], digits[v[1]], digits[v[2]], digits[v[3]]
	b0, b1, b2 := d0<<2|d1>>4, d1<<4|d2>>2, d2<<6|d3
	return b0 == 0 && b1 != 0 && b2 == 0 || b0 != 0 && b1 == 0 && b2 != 0
}

// texts calls each with every part of a value that is text when it is decoded in groups from its
// first digit on. It stops when each returns false. A text is wide if it is in UTF-16.
func texts(v []byte, each func(span []byte, wide bool) bool) {
	groups := len(v) / 4
	for g, floor := sampled-1, 0; g < groups; g += sampled {
		if g < floor || !isGroup(v[4*g:], runByte) {
			continue
		}
		wide := isWideGroup(v[4*g:])
		isText := func(i int) bool {
			if wide {
				return isWideGroup(v[4*i:])
			}
			return isGroup(v[4*i:], textByte)
		}
		lo := g
		for i, gap := g-1, 0; i >= floor && gap <= maxGap; i-- {
			if gap++; isText(i) {
				lo, gap = i, 0
			}
		}
		hi := g + 1
		for i, gap := hi, 0; i < groups && gap <= maxGap; i++ {
			if gap++; isText(i) {
				hi, gap = i+1, 0
			}
		}
		if floor = hi; hi-lo < minGroups {
			continue
		}
		if lo > 0 && !wide {
			lo-- // the text may begin in the middle of a group, behind other bytes
		}
		if !each(v[4*lo:4*hi+lastDigits(v[4*hi:])], wide) {
			return
		}
	}
}

// lastDigits returns how many digits of the group belong to a text that ends in it.
func lastDigits(group []byte) int {
	group = group[:min(len(group), 4)]
	if i := bytes.IndexAny(group, "/+-_"); i >= 0 {
		return i
	}
	return len(group)
}

// realigned looks for tokens in the texts of a value whose groups begin at its second, third or
// fourth digit, and for texts in UTF-16 that something stands before. Where a value is text from
// several digits on, such as VVVV, not all are decoded.
func (s *scanner) realigned(value []byte, place hit) {
	left, isRead := len(value)*4/5, s.inner.wasWide
	for first := 0; first < 4 && left >= 0; first++ {
		texts(value[first:], func(span []byte, wide bool) bool {
			if first == 0 && (!wide || isRead) {
				return true
			}
			if left -= len(span) * 3 / 4; left < 0 {
				s.hits = append(s.hits, hit{start: place.start, end: place.end, limit: LimitDecoded})
				return false
			}
			s.inner.value(span, true, place, &s.hits)
			return true
		})
	}
}

// firstDigit returns from which of its first digits the beginning of a long value is text, and 0 if
// it is none.
func firstDigit(value []byte) (first int) {
	most := 0
	for i := range 4 {
		length := 0
		texts(value[i:min(len(value), 64<<10)], func(span []byte, _ bool) bool {
			length += len(span)
			return true
		})
		if length > most {
			first, most = i, length
		}
	}
	return first
}
