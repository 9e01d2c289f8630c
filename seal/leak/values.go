package leak

// values looks for tokens in the Base64 values in text[from:to] of a stretch. Each one is decoded
// once as a whole, and then where it is text if its groups begin at another digit.
func (s *scanner) values(st *stretch, from, to int, last bool) {
	if s.decoded || to-from < minEncoded && !s.long {
		return
	}
	if s.inner == nil {
		s.inner = newInner(s.most)
	}
	for i := from; i < to; {
		end := i
		for end < to && digits[st.text[end]] != noDigit {
			end++
		}
		whole := end < to || last
		if value := st.text[i:end]; len(value) >= minEncoded || s.long {
			place := hit{start: st.raw(i), end: st.raw(max(i, end-1)) + 1, encoded: true}
			if !whole && !s.long {
				value = value[firstDigit(value):]
			}
			s.inner.value(value, whole, place, &s.hits)
			if whole && !s.long {
				s.realigned(value, place)
			}
		}
		if whole {
			s.long = false
		}
		i = end + 1
	}
}
