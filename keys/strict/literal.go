package strict

import "bytes"

// Literal matches the start of a JSON text against one spelling of it, from left to right,
// without parsing. It is a fast path for texts that this library has written itself: once
// OK is false the text has to be parsed. It is for packages keys and open, and outside the
// promise of stability.
type Literal struct {
	Rest []byte // the text that is still to be matched
	OK   bool   // whether all has matched so far
}

// Skip steps over a text that must stand here.
func (l *Literal) Skip(want string) {
	if l == nil {
		return
	}
	if l.OK = l.OK && len(l.Rest) >= len(want) && string(l.Rest[:len(want)]) == want; l.OK {
		l.Rest = l.Rest[len(want):]
	}
}

// Text steps over a string up to its closing quote, and returns it. It takes printable
// ASCII without escapes alone, which is spelled as it reads.
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
