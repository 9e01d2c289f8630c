package leak

import "bytes"

// minEncoded is the length of the shortest Base64 value that can hold a token.
const minEncoded = 40

// slack is how many bytes longer than the longest token a stretch may be: text around the token may
// belong to the stretch.
const slack = 32

// hit is a token in buf[start:end], with the encodings undone.
type hit struct {
	start, end int
	token      string
	encoded    bool  // the token stands in a Base64 value
	limit      Limit // the limit that was reached there; token is then empty
}

// scanner finds the tokens in the buffers that it is given. It goes from run to run: every token
// has a run, which is minRun characters of base64url in a row, and most other text has none.
type scanner struct {
	most    int  // the longest token
	decoded bool // the buffers are decoded Base64: Base64 in them is not decoded again
	hits    []hit

	long  bool // the buffer begins in the middle of a value that is longer than a token
	quiet int  // up to here no member begins a token in the JSON serialization
	past  int  // up to here every stretch was looked at

	object          int // where the last object begins that is not a token; -1: none
	outer, outerEnd int // the outermost object around it
	spent           int // how many bytes were read of that object and of the objects in it

	parsed int64 // bytes of stretches and objects, in all

	inner   *inner // finds the tokens in Base64 values
	scratch []byte
}

// hitsIn returns the tokens in a text.
func hitsIn(text string) []hit {
	var e entities
	buf, _ := e.undo([]byte(text), 0, true)
	hits := hitsOf(buf)
	for i := range hits {
		h := &hits[i]
		h.start, h.end = h.start+int(e.before(h.start)), h.end+int(e.before(h.end))
	}
	return hits
}

// hitsOf returns the tokens in a text whose entities are undone.
func hitsOf(buf []byte) []hit {
	s := scanner{most: max(maxToken, len(buf)), object: -1}
	s.scan(buf, 0, true)
	return s.hits
}

// scan appends the tokens in buf[from:] to s.hits, and returns up to where it is done. The caller
// gives the rest again, with more text behind it and with the lookBack bytes before it. An earlier
// call has looked at the bytes before from, and no run begins there.
func (s *scanner) scan(buf []byte, from int, atEnd bool) (done int) {
	for floor := from; ; s.past = floor {
		run := floor
		if !s.long {
			if run = nextRun(buf, floor); run < 0 {
				return s.beforeRun(buf, floor, atEnd)
			}
		}
		st := undo(buf, max(s.past, run-lookBack), run, s.scratch)
		s.parsed += int64(st.end - st.start)
		if st.marks != nil {
			s.scratch = st.text
		}
		if !s.long {
			switch end, ok := s.serialized(buf, &st, atEnd); {
			case ok && end < 0:
				return st.start
			case ok:
				floor = end
				continue
			}
		}
		if st.open && !atEnd {
			if len(buf)-st.start <= s.most+slack {
				return st.start
			}
			floor = s.tooLong(&st, len(buf))
			continue
		}
		s.tokens(&st, true)
		if s.long { // the value ended with the last buffer
			s.end()
		}
		floor = st.end
	}
}

// release forgets so many bytes at the beginning of the buffer.
func (s *scanner) release(bytes int) {
	s.quiet, s.past = max(0, s.quiet-bytes), max(0, s.past-bytes)
	s.object, s.outer, s.outerEnd = max(-1, s.object-bytes), s.outer-bytes, max(0, s.outerEnd-bytes)
}

// beforeRun returns where a run may begin that goes on behind buf.
func (s *scanner) beforeRun(buf []byte, floor int, atEnd bool) int {
	end := len(buf)
	if atEnd {
		return end
	}
	for end > floor && class[buf[end-1]]&urlDigit != 0 {
		end--
	}
	return end
}

// tooLong handles a stretch that is longer than a token may be. It reports a token that is too long
// as LimitLength, and begins to decode a Base64 value piece by piece.
func (s *scanner) tooLong(st *stretch, end int) (done int) {
	for i := 0; ; {
		dot := bytes.IndexByte(st.text[i:], '.')
		if dot < 0 {
			break
		}
		dot += i
		if start, encrypted, ok, _ := headerIn(st.text[i:dot]); ok && reachesEnd(st.text[i+start:], dot-i-start, encrypted) {
			before := *st
			before.text = st.text[:i+start]
			s.tokens(&before, true)
			if s.long {
				s.end()
			}
			if at := st.raw(i + start); at > st.start && end-at <= s.most+slack {
				return at
			}
			s.hits = append(s.hits, hit{start: st.raw(i + start), end: st.end, limit: LimitLength})
			return st.raw(dot) + 1
		}
		i = dot + 1
	}
	s.tokens(st, false)
	s.long = true
	return st.end
}

// end ends a value that was decoded piece by piece.
func (s *scanner) end() {
	if s.long = false; s.inner != nil {
		s.inner.value(nil, true, hit{}, &s.hits)
	}
}

// tokens appends the tokens in a stretch. last says that the stretch is whole.
func (s *scanner) tokens(st *stretch, last bool) {
	text := st.text
	rest := 0 // where the text begins that is in no token
	for lo, p := 0, 0; ; {
		i := bytes.IndexByte(text[p:], '.')
		if i < 0 {
			break
		}
		dot := p + i
		start, encrypted, ok, full := headerIn(text[lo:dot])
		if full {
			s.hits = append(s.hits, hit{start: st.raw(lo), end: st.raw(dot), limit: LimitStarts})
		}
		if !ok {
			start, ok = damagedIn(text[lo:], dot-lo)
		}
		start += lo
		lo, p = dot+1, dot+1
		if !ok {
			continue
		}
		length := tokenLength(text[start:], dot-start, encrypted)
		if length == 0 {
			continue
		}
		if !encrypted {
			length = withDisclosures(text[start:], length)
		}
		if length > s.most {
			s.hits = append(s.hits, hit{start: st.raw(start), end: st.raw(start + length), limit: LimitLength})
			continue
		}
		s.values(st, rest, start, true)
		lo, p, rest = start+length, start+length, start+length
		s.hits = append(s.hits, hit{start: st.raw(start), end: st.raw(start+length-1) + 1, token: string(text[start : start+length])})
	}
	s.values(st, rest, len(text), last)
}

// withDisclosures returns the length of a JWS with what makes it an SD-JWT: disclosures, each of
// them with ~ before it, and a token that binds it to a key.
func withDisclosures(b []byte, length int) int {
	for length < len(b) && b[length] == '~' {
		end := partEnd(b, length+1, false)
		switch {
		case end < len(b) && b[end] == '~':
			length = end
		case end < len(b) && b[end] == '.':
			if _, encrypted, ok, _ := headerIn(b[length+1 : end]); ok && !encrypted {
				if n := tokenLength(b[length+1:], end-length-1, false); n > 0 {
					return length + 1 + n
				}
			}
			return length + 1
		case end > length+1:
			if part, _ := decode(nil, b[length+1:end]); bytes.HasPrefix(bytes.TrimSpace(part), []byte("[")) {
				return end
			}
			return length + 1
		default:
			return length + 1
		}
	}
	return length
}
