package strict

import "bytes"

// Literal compares a JSON text, from left to right, with the one spelling that this library
// writes. It is a fast path that saves the parsing of such a text: once OK is false the caller
// has to parse the text. It is for packages keys and open only, and may change in any version.
// Its methods change it, so only one goroutine may use a Literal at a time.
type Literal struct {
	Rest []byte // the text that is still to be matched
	OK   bool   // whether all has matched so far
}

// Skip steps over want, if Rest begins with it; otherwise it sets OK to false.
func (l *Literal) Skip(want string) {
	if l == nil {
		return
	}
	if l.OK = l.OK && len(l.Rest) >= len(want) && string(l.Rest[:len(want)]) == want; l.OK {
		l.Rest = l.Rest[len(want):]
	}
}

// Text returns the content of a string whose opening quote Skip has stepped over, and steps over
// the content and the closing quote. It accepts only printable ASCII without escapes, which needs
// no decoding. For any other string it sets OK to false, and the result has no meaning.
func (l *Literal) Text() []byte {
	if l == nil {
		return nil
	}
	end := bytes.IndexByte(l.Rest, '"')
	if l.OK = l.OK && end >= 0; !l.OK {
		return nil
	}
	text := l.Rest[:end:end]
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' {
			l.OK = false
		}
	}
	l.Rest = l.Rest[end+1:]
	return text
}
