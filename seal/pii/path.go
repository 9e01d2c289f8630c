package pii

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many bytes of a member name a Path shows.
const maxShown = 48

// place is where a value is.
type place struct {
	claim  string
	path   string
	top    bool // the outermost object
	person bool // an object that is about a person
}

// member returns the place of a member, whose name may itself be personal.
func (at place) member(name string, isPersonal bool) place {
	shown := plain(name)
	if isPersonal {
		name, shown = RedactedName, RedactedName
	}
	if at.top {
		return place{claim: name, path: shown}
	}
	return place{claim: at.claim, path: at.path + "." + shown}
}

// element returns the place of an element, which is named after its array.
func (at place) element(i int) place {
	at.path += "[" + strconv.Itoa(i) + "]"
	return at
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
