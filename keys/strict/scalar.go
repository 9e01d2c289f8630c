package strict

// literal reads true, false or null.
func (s *scanner) literal(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return s.fail("value expected")
	}
	s.pos += len(word)
	return nil
}

// number reads a number, RFC 8259 section 6.
func (s *scanner) number() error {
	start := s.pos
	s.accept('-')
	// A number that begins with 0 has no more digits before the point. Of 01, number reads the 0
	// only, and the caller refuses the 1 as neither a comma nor the end.
	if !s.accept('0') && !s.digits() {
		return s.fail("digit expected")
	}
	if s.accept('.') && !s.digits() {
		return s.fail("digit expected")
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		if !s.digits() {
			return s.fail("digit expected")
		}
	}
	if s.pos-start > MaxNumber {
		return &Error{start, "number too long"}
	}
	return nil
}

// digits steps over digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}
