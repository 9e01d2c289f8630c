package pii

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many bytes of a member name a Path shows.
const maxShown = 48

// Place is where a value stands in an object: the way from the outermost object to it. The zero
// value is the outermost object itself. A Place refers to the one that it was made from, which
// must not change after that. It costs no memory until
// [Place.Path] is called, and nil is the outermost object too.
//
// With it, a reader of objects that package strict refuses judges their members by the rules of
// [InObject].
type Place struct {
	parent   *Place // nil: the outermost object
	name     string // of a member
	index    int    // of an element
	element  bool
	redacted bool // the name is personal data itself, and RedactedName stands for it
	person   bool // an object that is about a person
	version  bool // of a program, which looks like an IP address
}

// Member returns the place of a member of the object at p, and what its name says, if that is
// personal data whatever the value is. Where the name itself is personal data, the place
// has [RedactedName] in its stead.
func (p *Place) Member(name string) (at Place, kind Kind, personal bool) {
	if kind, ok := InText(name); ok {
		return Place{parent: p, name: RedactedName, redacted: true}, kind, true
	}
	at = Place{parent: p, name: name}
	kind, how := nameKind(name)
	if how == anywhere || how == ofPerson && (p.isTop() || p.person) {
		return at, kind, true
	}
	at.person, at.version = isPersonName(name), isVersionName(name)
	return at, "", false
}

// isTop reports whether p is the outermost object, which nil is too.
func (p *Place) isTop() bool { return p == nil || p.parent == nil }

// Element returns the place of an element of the array at p, which is named after its array.
func (p *Place) Element(i int) Place {
	at := Place{parent: p, index: i, element: true}
	if p != nil {
		at.person, at.version = p.person, p.version
	}
	return at
}

// Value returns what a string or the spelling of a number at p is taken for, as [InValue] does.
func (p *Place) Value(text string) (Kind, bool) {
	if p != nil && p.version {
		return InText(text)
	}
	return InValue(text)
}

// Finding returns the finding of personal data at p.
func (p *Place) Finding(kind Kind) Finding {
	if p.isTop() {
		return Finding{Kind: kind}
	}
	top := p
	for !top.parent.isTop() {
		top = top.parent
	}
	return Finding{Claim: top.name, Path: p.Path(), Kind: kind}
}

// Path returns the way to p as [Finding.Path] has it.
func (p *Place) Path() string {
	switch {
	case p.isTop():
		return ""
	case p.element:
		return p.parent.Path() + "[" + strconv.Itoa(p.index) + "]"
	}
	shown := RedactedName
	if !p.redacted {
		shown = plain(p.name)
	}
	if p.parent.isTop() {
		return shown
	}
	return p.parent.Path() + "." + shown
}

// plain returns a name that cannot be mistaken for another path, and that no terminal
// takes for a command.
func plain(name string) string {
	short := name
	if len(name) > maxShown {
		short = name[:maxShown]
		for !utf8.ValidString(short) {
			short = short[:len(short)-1]
		}
		short += "..."
	}
	notPlain := func(r rune) bool {
		return r >= utf8.RuneSelf || !isAlnum(byte(r)) && r != '_' && r != '-'
	}
	if name != "" && short == name && strings.IndexFunc(name, notPlain) < 0 {
		return name
	}
	return strconv.QuoteToASCII(short)
}
