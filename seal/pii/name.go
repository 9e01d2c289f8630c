package pii

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// match says in which objects a name counts as personal.
type match int

const (
	noName match = iota
	// ofPerson is for a name that counts as personal only in the outermost object, whose
	// claims are about the subject, and in an object that is named after a person. In other
	// objects it may be the name, picture or address of a role, a company or an app.
	ofPerson
	// anywhere is for a name that counts as personal in every object.
	anywhere
)

// maxName is how many bytes of a name are looked at, from its end. All names in the dictionary
// are much shorter.
const maxName = 64

// nameKind looks up a claim name in the dictionary: the whole name first, then fewer and fewer
// words at its end, so that billing_email is found as email. If the words at the end are an
// ambiguous name, the words before them decide: customer_name is the name of a person,
// file_name is not.
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

// isVersionName reports whether a claim of this name holds a version of a program. The version
// 121.0.16.85 must not be taken for an IP address.
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
	start [maxName + 1]uint8 // where each word begins; start[n] is the end of the last word
	n     int
}

// split cuts a name at signs and spaces, and where a new word of camelCase begins: userSSN
// becomes user and ssn, SSNOfUser becomes ssn, of and user.
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

// lookup looks up the words from first to last, joined into one name. If the name is not found
// and ends in s or es, lookup tries the singular.
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

// isPerson reports whether the word before the word at index last stands for a person, such as
// customer, or the two words before it do, such as end_user.
func (w *words) isPerson(last int) bool {
	for first := max(0, last-2); first < last; first++ {
		text := w.text[w.start[first]:w.start[last]]
		if isPersonWord(text) || len(text) > 1 && text[len(text)-1] == 's' && isPersonWord(text[:len(text)-1]) {
			return true
		}
	}
	return false
}

// isQuestion reports whether the first word of the name makes it a yes-or-no question or a
// switch, as in has_email and require_phone. Such a claim holds no e-mail address or number.
func (w *words) isQuestion() bool {
	switch string(w.text[:w.start[1]]) {
	case "has", "is", "can", "allow", "allows", "require", "requires", "send", "show", "hide", "use", "verify", "enable":
		return true
	}
	return false
}
