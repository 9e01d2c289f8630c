package strict

import (
	"encoding/json"
	"hash/maphash"
	"slices"
)

// scanner reads a JSON text once, from left to right. Its methods leave pos behind the
// text that they accepted, or on the byte that they refuse.
type scanner struct {
	data   []byte
	pos    int
	values int // so far
	named  int // members so far

	members   []member // of the outermost object
	unescaped []byte   // their names that are spelled with escapes, decoded

	// The names of all objects that are open at pos; see names.go.
	names   []name
	folded  [2][]byte // one or two of them
	decoded []byte    // one that is spelled with escapes
	table   []uint16
	seed    maphash.Seed
	foldTo  int  // the depth down to which names that are equal but for case are twins
	folds   bool // whether the names of the object at pos stand above that depth

	keep int // the number of elements of an array to keep
}

// fail refuses the text at pos.
func (s *scanner) fail(reason string) error {
	return &Error{s.pos, reason}
}

// peek returns the byte at pos, or 0 at the end: no JSON token has that byte.
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

// value reads one value inside of depth open arrays and objects.
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

// object reads an object that is the depth-th open one, and keeps its members if it
// is the outermost.
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

// member reads a name, a colon and a value, and keeps them if they are of the outermost
// object.
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

// array reads an array that is the depth-th open one, and appends its elements
// to keep unless that is nil.
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

// plainStrings steps over elements of an array that are strings of ASCII without an escape,
// each with the comma behind it, and so never over the last element.
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

// add appends v, and doubles the room when there is none. append grows long slices by a
// quarter, which in sum allocates five times the memory of the text.
func add[T any](to []T, v T) []T {
	if len(to) == cap(to) {
		to = slices.Grow(to, max(len(to), 8))
	}
	return append(to, v)
}
