package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
)

// Object is a JSON object that [ParseObject], [ParseClaims] or [ParseClaim] has accepted. It is
// immutable and safe for concurrent use; the zero value is the empty object. It prints as
// [redacted], since its members usually are the claims of a person.
//
// An Object refers to the bytes it was parsed from, and so do the raw values it
// returns: none of them may be changed as long as any is in use.
type Object struct {
	// parsed is a closure, because fmt walks unexported fields and prints the bytes
	// it finds. It is nil in the zero value.
	parsed func() object
}

type object struct {
	text      []byte
	unescaped []byte // the names that are spelled with escapes, decoded
	members   []member
	values    int // the number of values at all depths
	named     int // the number of members at all depths
	foldTo    int // the argument foldTo of parse for an object that is a member of this one
}

// member is one member of an object. It has no pointers, so that the garbage collector need not
// scan the members of an object that has thousands.
type member struct {
	lo      uint32 // of the name
	length  uint16 // a name of MaxName bytes fits, even if it is spelled with escapes
	escaped bool   // the name is in unescaped and not in text
	value   span
}

// span is text[lo:hi] of a text that is no longer than MaxText, which fits into 32 bits.
type span struct{ lo, hi uint32 }

func newSpan(lo, hi int) span { return span{uint32(lo), uint32(hi)} }

// of returns the span of text, without room for an append to write into.
func (s span) of(text []byte) []byte { return text[s.lo:s.hi:s.hi] }

// open returns the content of o.
func (o Object) open() object {
	if o.parsed == nil {
		return object{}
	}
	return o.parsed()
}

const redacted = "[redacted]"

// Format prints [redacted], whatever the verb.
func (Object) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redacted)
	}
}

// LogValue returns [redacted].
func (Object) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]"; [Object.All] gives the members.
func (Object) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

func (o object) name(m member) []byte {
	from := o.text
	if m.escaped {
		from = o.unescaped
	}
	return newSpan(int(m.lo), int(m.lo)+int(m.length)).of(from)
}

// ParseObject reads a text that is exactly one JSON object, RFC 8259. White
// space may surround it and its tokens.
//
// It refuses, at every depth, member names that are equal after their escapes are
// decoded and their case is folded as encoding/json folds it, bytes that are not UTF-8,
// escaped surrogates without their other half, and whatever exceeds [MaxText],
// [MaxDepth], [MaxNumber], [MaxName], [MaxMembers] or [MaxValues]. It refuses a byte
// order mark, comments, trailing commas and text after the object like anything else
// that is not JSON.
//
// The error is an [*Error]. The Object refers to data, which may not change.
func ParseObject(data []byte) (Object, error) { return parse(data, MaxDepth) }

// ParseClaims parses a claims set, RFC 7519 section 4, as [ParseObject] does. It refuses two
// claims whose names differ only in case, as ParseObject does. Inside the value of a claim it
// refuses only names that are exactly equal: such a value may be a table whose keys are ids,
// which may differ only in case.
func ParseClaims(data []byte) (Object, error) { return parse(data, 1) }

// ParseClaim parses an object in the value of a claim as [ParseObject] does. But at every depth
// it refuses only names that are exactly equal. So it accepts every object that [ParseClaims]
// has accepted as a claim's value.
func ParseClaim(data []byte) (Object, error) { return parse(data, 0) }

// parse refuses two names that differ only in case down to the depth foldTo, and below it only
// names that are exactly equal.
func parse(data []byte, foldTo int) (Object, error) {
	if len(data) > MaxText {
		return Object{}, &Error{MaxText, "text too long"}
	}
	s := newScanner(data)
	defer s.release()
	s.foldTo = foldTo
	s.space()
	if err := s.object(1); err != nil {
		return Object{}, err
	}
	if s.space(); s.pos < len(data) {
		return Object{}, s.fail("text after the object")
	}
	o := object{data, bytes.Clone(s.unescaped), s.keepMembers(), s.values, s.named, max(0, foldTo-1)}
	return Object{func() object { return o }}, nil
}

// Len returns the number of members.
func (o Object) Len() int { return len(o.open().members) }

// Count returns the numbers of values and members that the text holds at all depths, as they
// count for [MaxValues] and [MaxMembers]. The object o itself counts as one value.
func (o Object) Count() (values, members int) {
	p := o.open()
	return max(1, p.values), p.named
}

// Names returns copies of the decoded names in the order of the text, nil if there is
// none.
func (o Object) Names() (names []string) {
	p := o.open()
	for _, m := range p.members {
		names = append(names, string(p.name(m)))
	}
	return names
}

// All returns the decoded names and the raw values in the order of the text.
func (o Object) All() iter.Seq2[string, json.RawMessage] {
	p := o.open()
	return func(yield func(string, json.RawMessage) bool) {
		for _, m := range p.members {
			if !yield(string(p.name(m)), m.value.of(p.text)) {
				return
			}
		}
	}
}

// ValueEnd returns the offset in the text at which the value that begins at the offset start
// ends, and whether the value of a member of o begins at start. With it a program that reads the
// text itself can step over a long value.
func (o Object) ValueEnd(start int) (end int, ok bool) {
	members := o.open().members
	i, ok := slices.BinarySearchFunc(members, start, func(m member, start int) int { return int(m.value.lo) - start })
	if !ok {
		return 0, false
	}
	return int(members[i].value.hi), true
}

// Raw returns the text of the value of the member with exactly this name, and
// whether there is one.
func (o Object) Raw(name string) (json.RawMessage, bool) {
	p := o.open()
	for _, m := range p.members {
		if string(p.name(m)) == name {
			return m.value.of(p.text), true
		}
	}
	return nil, false
}
