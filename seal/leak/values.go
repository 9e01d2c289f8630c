package leak

import "bytes"

// values looks for tokens in the Base64 values in text[from:to] of a stretch. Each one is decoded
// once as a whole; if nothing is found, values also decodes it line by line, or between its
// slashes: in a path the slashes part segments, but they are digits of Base64 too.
func (s *scanner) values(st *stretch, from, to int, last bool) {
	if s.decoded || to-from < minEncoded && !s.long {
		return
	}
	if s.inner == nil {
		s.inner = newInner(s.most)
	}
	isEnd := func(c byte) bool { return digits[c] == noDigit }
	for i := from; i < to; {
		end := i
		for end < to && !isEnd(st.text[end]) {
			end++
		}
		whole := end < to || last
		if value := st.text[i:end]; len(value) >= minEncoded || s.long {
			place := hit{start: st.raw(i), end: st.raw(max(i, end-1)) + 1, encoded: true}
			if found := s.inner.value(value, whole, place, &s.hits); !found && whole && !s.long {
				s.pieces(st, i, end, place)
			}
		}
		if whole {
			s.long = false
		}
		i = end + 1
	}
}

// pieces decodes a value line by line, or from slash to slash.
func (s *scanner) pieces(st *stretch, from, to int, place hit) {
	cut := func(i int) bool { return st.text[i] == '/' }
	if len(st.joins) > 0 {
		k := 0
		cut = func(i int) bool {
			for k < len(st.joins) && st.joins[k] < i {
				k++
			}
			return k < len(st.joins) && st.joins[k] == i
		}
	}
	start := from
	for i := from + 1; i <= to; i++ {
		if i < to && !cut(i) {
			continue
		}
		if piece := bytes.TrimPrefix(st.text[start:i], []byte("/")); len(piece) >= minEncoded && start > from || i < to && len(piece) >= minEncoded {
			s.inner.value(piece, true, place, &s.hits)
		}
		start = i
	}
}
