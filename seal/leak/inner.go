package leak

// inner finds the tokens in Base64 values. It decodes a value of any length in one buffer, and
// undoes no Base64 that stands in it.
type inner struct {
	scan scanner
	buf  []byte // decoded, of the value that is open
	from int    // buf[from:] is what the scanner looks at next
	rest []byte // digits that are not decoded yet, less than four
	tail []byte // that follows buf, and may be the beginning of an entity

	decoded int64 // bytes, in all values
}

// newInner returns an inner for values in which no token is longer than most.
func newInner(most int) *inner {
	return &inner{scan: scanner{most: most, decoded: true, object: -1}}
}

// value looks for tokens in the next piece of a value, and appends them with the place of the
// value. last says that the value ends there. found reports whether there are any.
func (n *inner) value(piece []byte, last bool, place hit, to *[]hit) (found bool) {
	for {
		part := piece[:min(len(piece), 256<<10)]
		piece = piece[len(part):]
		end := last && len(piece) == 0
		found = n.part(part, end, place, to) || found
		if len(piece) == 0 {
			return found
		}
	}
}

func (n *inner) part(part []byte, end bool, place hit, to *[]hit) (found bool) {
	if len(n.rest) > 0 {
		part = append(n.rest, part...)
	}
	whole := len(part)
	if !end {
		whole -= whole % 4
	}
	rest := string(part[whole:]) // a copy: part may be n.rest
	known := len(n.buf)
	n.buf = append(n.buf, n.tail...)
	before := len(n.buf)
	n.buf, _ = decode(n.buf, part[:whole])
	n.decoded += int64(len(n.buf) - before)
	var e entities // its places are not needed: a token gets the place of its value
	text, cut := e.undo(n.buf, known, end)
	n.buf, n.tail = text[:cut], append(n.tail[:0], text[cut:]...)
	n.rest = append(n.rest[:0], rest...)

	done := n.scan.scan(n.buf, n.from, end)
	for _, h := range n.scan.hits {
		h.start, h.end, h.encoded = place.start, place.end, true
		*to = append(*to, h)
		found = true
	}
	n.scan.hits = n.scan.hits[:0]
	if end {
		n.buf, n.from, n.rest, n.scan.long, n.scan.quiet = n.buf[:0], 0, n.rest[:0], false, 0
		n.scan.past, n.scan.object, n.scan.outer, n.scan.outerEnd = 0, -1, 0, 0
		return found
	}
	keep := max(0, done-lookBack)
	n.buf = append(n.buf[:0], n.buf[keep:]...)
	n.from = done - keep
	n.scan.release(keep)
	return found
}
