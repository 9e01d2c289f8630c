package pii

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many bytes of a member name a Path shows.
const maxShown = 48

// Place is where a value stands in an object: the way from the outermost object to the value. The
// zero value is the outermost object itself, and so is a nil *Place. A Place points to the Place
// that it was made from, which must not change after that. A Place that is not made from a nil
// *Place allocates no memory until [Place.Path] or [Place.Finding] is called.
//
// A program that reads objects which package strict refuses, such as a log line with duplicate
// names, can use Place to judge their members by the rules of [InObject].
type Place struct {
	parent   *Place // nil: the outermost object
	name     string // the name of the member, if the place is a member
	index    int    // the index in the array, if the place is an element
	element  bool
	redacted bool // the name is personal data itself, and RedactedName stands for it
	person   bool // the value is about a person
	version  bool // the value is a version of a program, which may look like an IP address
}

// Member returns the place of a member of the object at p. It also reports whether the name of
// the member makes it personal data whatever the value is, and of which kind. Where the name
// itself is personal data, such as an e-mail address, the place has [RedactedName] instead.
func (p *Place) Member(name string) (at Place, kind Kind, personal bool) {
	if p == nil {
		p = new(Place)
	}
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

// isTop reports whether p is the outermost object. A nil p is the outermost object, too.
func (p *Place) isTop() bool { return p == nil || p.parent == nil }

// Element returns the place of the i-th element of the array at p. The name of the array counts
// for the element too: an element of users is about a person.
func (p *Place) Element(i int) Place {
	if p == nil {
		p = new(Place)
	}
	return Place{parent: p, index: i, element: true, person: p.person, version: p.version}
}

// Value returns the kind of personal data that a string or the text of a number at p looks like,
// as [InValue] does. For the version of a program it does not look for IP addresses.
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

// Path returns the way to p in the form of [Finding.Path].
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

// plain returns a name for a Path, cut when long. A name that is not a plain word is quoted in
// ASCII, so that it cannot be mistaken for another path, and no terminal takes it for a command.
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
