package pii

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// match says where a name counts as personal.
type match int

const (
	noName match = iota
	// ofPerson counts in the outermost object, where claims are about the subject,
	// and in an object that is named after a person. Elsewhere a role, a company
	// or an app has a name, a picture and an address too.
	ofPerson
	// anywhere counts at every depth.
	anywhere
)

// maxName is how much of a name is looked at, from its end, without the signs
// between the words. No known name is nearly as long.
const maxName = 64

// nameKind looks a claim name up: as it is, or the words at its end as in
// billing_email. The words before those decide on the ambiguous ones: customer_name
// is a person's, file_name is not.
func nameKind(name string) (Kind, match) {
	name = lastSegment(name)
	var w words
	w.split(name)
	for first := range w.n {
		kind, how := w.lookup(first, w.n)
		if how == noName {
			continue
		}
		if first == 0 {
			return kind, how
		}
		if how == ofPerson && !w.isPerson(first) || w.isQuestion() {
			return "", noName
		}
		return kind, anywhere
	}
	return "", noName
}

// isPersonName reports whether an object of this name is about a person: user, and also
// user_metadata and raw_user_meta_data, whose last words only say that it is an object.
func isPersonName(name string) bool {
	var w words
	w.split(lastSegment(name))
	for last := w.n; last > 0; last-- {
		if w.isPerson(last) {
			return true
		}
		if !isContainerWord(w.text[w.start[last-1]:w.start[last]]) {
			break
		}
	}
	return false
}

// isVersionName reports whether the values of a name are versions: 121.0.16.85 is no
// address there.
func isVersionName(name string) bool {
	var w words
	w.split(lastSegment(name))
	if w.n == 0 {
		return false
	}
	switch string(w.text[w.start[w.n-1]:w.start[w.n]]) {
	case "version", "versions", "ver", "build", "release", "firmware":
		return true
	}
	return false
}

// lastSegment returns the part of a name behind its namespace (RFC 7519 section 4.2): email
// for https://example.com/claims/email and for urn:example:email.
func lastSegment(name string) string {
	name = strings.TrimRight(name, "/#:")
	return name[strings.LastIndexAny(name, "/#:")+1:]
}

// words is a name in lower case, cut into words.
type words struct {
	text  [maxName]byte
	start [maxName + 1]uint8 // where each begins, and after the last the end
	n     int
}

// split cuts at signs and spaces, and before the capitals of camelCase: eMailAddress,
// userSSN, SSNOfUser.
func (w *words) split(name string) {
	name = strings.ToValidUTF8(name[max(0, len(name)-maxName):], "")
	end, last := 0, ' '
	for i, r := range name {
		next, _ := utf8.DecodeRuneInString(name[i+utf8.RuneLen(r):])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			last = ' '
			continue
		}
		capital := unicode.IsUpper(r) && (!unicode.IsUpper(last) || unicode.IsLower(next))
		if last == ' ' || capital {
			w.start[w.n] = uint8(end)
			w.n++
		}
		last = r
		r = unicode.ToLower(r)
		if end+utf8.RuneLen(r) > maxName {
			break
		}
		end += utf8.EncodeRune(w.text[end:], r)
	}
	w.start[w.n] = uint8(end)
}

// lookup looks the words from first to last up as one, in the singular too.
func (w *words) lookup(first, last int) (Kind, match) {
	text := w.text[w.start[first]:w.start[last]]
	kind, how := known(text)
	if s := len(text) - 1; how == noName && s > 2 && text[s] == 's' {
		kind, how = known(text[:s])
		if how == noName && text[s-1] == 'e' {
			kind, how = known(text[:s-1])
		}
	}
	return kind, how
}

func known(word []byte) (Kind, match) {
	if kind := clearName(word); kind != "" {
		return kind, anywhere
	}
	if kind := ambiguousName(word); kind != "" {
		return kind, ofPerson
	}
	return "", noName
}

// isPerson reports whether the word before last, or the two, stand for a person.
func (w *words) isPerson(last int) bool {
	for first := max(0, last-2); first < last; first++ {
		text := w.text[w.start[first]:w.start[last]]
		if isPersonWord(text) || len(text) > 1 && text[len(text)-1] == 's' && isPersonWord(text[:len(text)-1]) {
			return true
		}
	}
	return false
}

// isQuestion reports whether the name asks something about the thing it names, as
// has_email and require_phone do.
func (w *words) isQuestion() bool {
	switch string(w.text[:w.start[1]]) {
	case "has", "is", "can", "allow", "allows", "require", "requires", "send", "show", "hide", "use", "verify", "enable":
		return true
	}
	return false
}
