package leak

// inner finds the tokens in Base64 values. It decodes a value of any length in one buffer, and
// undoes no Base64 that stands in it.
type inner struct {
	scan scanner
	buf  []byte        // decoded, of the value that is open
	raw  []byte        // in UTF-16
	from int           // buf[from:] is the part that the scanner looks at next
	rest []byte        // digits that are not decoded yet, less than four
	tail []byte        // that follows buf, and may be the beginning of an entity
	open bool          // some of the value was decoded
	wide *utf16Decoder // of a value that is text in UTF-16, as PowerShell encodes its commands

	wasWide bool  // of the last value
	decoded int64 // bytes, in all values
}

// newInner returns an inner for values in which no token is longer than most.
func newInner(most int) *inner {
	return &inner{scan: scanner{most: most, decoded: true, object: -1}}
}

// value looks for tokens in the next piece of a value, and appends them with the place of the
// value. last says that the value ends there.
func (n *inner) value(piece []byte, last bool, place hit, to *[]hit) {
	for {
		part := piece[:min(len(piece), 256<<10)]
		piece = piece[len(part):]
		n.part(part, last && len(piece) == 0, place, to)
		if len(piece) == 0 {
			return
		}
	}
}

// decode appends decoded digits to buf. The first ones tell the encoding of the text.
func (n *inner) decode(part []byte, end bool) {
	if !n.open && len(part) >= 8 {
		var head [6]byte
		first, _ := decode(head[:0], part[:8])
		for low := range 2 {
			if isUTF16(first, low) {
				n.wide = &utf16Decoder{low: low}
			}
		}
	}
	n.open = true
	if n.wide == nil {
		n.buf, _ = decode(n.buf, part)
		return
	}
	n.raw, _ = decode(n.raw[:0], part)
	if n.buf = n.wide.add(n.buf, n.raw); end {
		n.buf = n.wide.end(n.buf)
	}
}

func (n *inner) part(part []byte, end bool, place hit, to *[]hit) {
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
	n.decode(part[:whole], end)
	n.decoded += int64(len(n.buf) - before)
	var e entities // its places are not needed: a token gets the place of its value
	text, cut := e.undo(n.buf, known, end)
	n.buf, n.tail = text[:cut], append(n.tail[:0], text[cut:]...)
	n.rest = append(n.rest[:0], rest...)

	done := n.scan.scan(n.buf, n.from, end)
	for _, h := range n.scan.hits {
		h.start, h.end, h.encoded = place.start, place.end, true
		*to = append(*to, h)
	}
	n.scan.hits = n.scan.hits[:0]
	if end {
		n.buf, n.from, n.rest, n.scan.long, n.scan.quiet = n.buf[:0], 0, n.rest[:0], false, 0
		n.open, n.wide, n.wasWide = false, nil, n.wide != nil
		n.scan.past, n.scan.object, n.scan.outer, n.scan.outerEnd = 0, -1, 0, 0
		return
	}
	keep := max(0, done-lookBack)
	n.buf = append(n.buf[:0], n.buf[keep:]...)
	n.from = done - keep
	n.scan.release(keep)
}
