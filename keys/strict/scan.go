package strict

import (
	"encoding/json"
	"hash/maphash"
	"slices"
)

// scanner reads a JSON text once, from left to right. A method that accepts a piece of the text
// leaves pos behind it. After an error pos has no meaning; the [Error] says where the refused
// piece is.
type scanner struct {
	data   []byte
	pos    int
	values int // the number of values so far
	named  int // the number of members so far

	members   []member // the members of the outermost object
	unescaped []byte   // the names of these members that are spelled with escapes, decoded

	// The names so far of the objects around pos; see names.go.
	names   []name
	folded  [2][]byte // buffers for the one or two names that are compared
	decoded []byte    // a buffer for a name that is spelled with escapes
	table   []uint16
	seed    maphash.Seed
	foldTo  int  // the depth down to which names that differ only in case are refused
	folds   bool // whether case does not count for the names that are compared now

	keep int // how many elements the method array returns at most
}

// fail refuses the text at pos.
func (s *scanner) fail(reason string) error {
	return &Error{s.pos, reason}
}

// peek returns the byte at pos, or NUL at the end of the text: no JSON token begins with NUL.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// accept steps over the byte c if it is next.
func (s *scanner) accept(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// space steps over white space, RFC 8259 section 2.
func (s *scanner) space() {
	if s.peek() <= ' ' { // seldom: compact texts have none
		s.spaces()
	}
}

func (s *scanner) spaces() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value reads one value. depth is the number of arrays and objects around that value.
func (s *scanner) value(depth int) error {
	if s.values++; s.values > MaxValues {
		return s.fail(tooManyValues)
	}
	switch c := s.peek(); c {
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.array(depth+1, nil)
	case '"':
		_, _, err := s.str()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return s.number()
		}
		return s.fail("value expected")
	}
}

// object reads an object at this depth, and keeps its members if the depth is 1.
func (s *scanner) object(depth int) error {
	if depth > MaxDepth {
		return s.fail("nesting too deep")
	}
	if !s.accept('{') {
		return s.fail("object expected")
	}
	if s.space(); s.accept('}') {
		return nil
	}
	names := len(s.names)
	for {
		if err := s.member(depth); err != nil {
			return err
		}
		if s.space(); s.accept('}') {
			break
		}
		if !s.accept(',') {
			return s.fail("comma or end of object expected")
		}
		s.space()
	}
	s.folds = depth <= s.foldTo
	return s.unique(names)
}

// member reads a name, a colon and a value, and keeps the member if it is of the outermost
// object (depth 1).
func (s *scanner) member(depth int) error {
	start := s.pos
	decoded, escaped, err := s.str()
	if err != nil {
		return err
	}
	m := member{lo: uint32(start + 1), length: uint16(len(decoded)), escaped: escaped}
	if escaped {
		s.decoded = appendUnescaped(s.decoded[:0], decoded)
		decoded = s.decoded
	}
	if len(decoded) > MaxName {
		return &Error{start, "member name too long"}
	}
	if s.named++; s.named > MaxMembers {
		return &Error{start, tooManyMembers}
	}
	s.folds = depth <= s.foldTo
	s.push(start, decoded)
	if escaped && depth == 1 {
		m.lo, m.length = uint32(len(s.unescaped)), uint16(len(decoded))
		s.unescaped = append(s.unescaped, decoded...)
	}

	if s.space(); !s.accept(':') {
		return s.fail("colon expected")
	}
	s.space()
	start = s.pos
	if err = s.value(depth); err != nil {
		return err
	}
	if depth == 1 {
		m.value = newSpan(start, s.pos)
		s.members = add(s.members, m)
	}
	return nil
}

// array reads an array at this depth. If keep is not nil, array appends elements to *keep until
// that has s.keep elements, and only checks the rest.
func (s *scanner) array(depth int, keep *[]json.RawMessage) error {
	if depth > MaxDepth {
		return s.fail("nesting too deep")
	}
	if !s.accept('[') {
		return s.fail("array expected")
	}
	if s.space(); s.accept(']') {
		return nil
	}
	for {
		if keep == nil {
			s.plainStrings()
		}
		start := s.pos
		if err := s.value(depth); err != nil {
			return err
		}
		if keep != nil && len(*keep) < s.keep {
			*keep = add(*keep, json.RawMessage(s.data[start:s.pos:s.pos]))
		}
		if s.space(); s.accept(']') {
			return nil
		}
		if !s.accept(',') {
			return s.fail("comma or end of array expected")
		}
		s.space()
	}
}

// plainStrings is a fast path for arrays: it steps over elements that are strings of ASCII
// without an escape, each with the comma behind it. It never steps over the last element, which
// has no comma.
func (s *scanner) plainStrings() {
	for s.peek() == '"' && s.values < MaxValues {
		n, ascii := plain(s.data[s.pos+1:])
		end := s.pos + 1 + n
		if !ascii || len(s.data)-end < 2 || s.data[end] != '"' || s.data[end+1] != ',' {
			return
		}
		s.values++
		s.pos = end + 2
		s.space()
	}
}

// add appends v, and doubles the capacity when it is used up. append grows a long slice only by
// a quarter each time, so the slices that it makes on the way take about five times the memory of
// the last one. With add they take twice that memory.
func add[T any](to []T, v T) []T {
	if len(to) == cap(to) {
		to = slices.Grow(to, max(len(to), 8))
	}
	return append(to, v)
}
