package console

import (
	"slices"
	"strings"
)

// packages are the packages of this project that put their name in front of the text of an error.
var packages = []string{
	"open", "seal", "keys", "keyring", "filestore", "jwks", "sessions", "strict", "ringmove", "sqlstore", "sqldb", "etcdstore", "bearer", "leak",
}

// Plain returns the text of an error without the names of packages, such as "keyring: ", with
// which the errors of this project begin. Every error that err wraps is looked at by itself, and
// loses a name only in front of its text: a file may be called keys, or "nope: open: x.log".
func Plain(err error) string {
	if f, ok := err.(*Failure); ok {
		if f.ours {
			return withPlainCauses(f.Err.Error(), causesOf(f.Err))
		}
		return Plain(f.Err)
	}
	text, causes := err.Error(), causesOf(err)
	end := len(text)
	if at, _ := nextCause(text, causes); at >= 0 {
		end = at
	}
	// A name right before a cause is not a package: the command puts a path there. The package of
	// a library error is followed by text of its own.
	if name, _, ok := strings.Cut(text[:end], ": "); ok && len(name+": ") < end && slices.Contains(packages, name) {
		text = text[len(name+": "):]
	}
	return withPlainCauses(text, causes)
}

// withPlainCauses returns a text in which the texts of the causes are plain.
func withPlainCauses(text string, causes []error) string {
	var b strings.Builder
	for {
		at, i := nextCause(text, causes)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at] + Plain(causes[i]))
		text, causes = text[at+len(causes[i].Error()):], causes[i+1:]
	}
}

// nextCause returns where the text of the first cause stands that the text has, and which cause
// that is; -1 without one. The last cause stands at the end if it can: the text in front of it
// may come from outside and repeat it.
func nextCause(text string, causes []error) (at, i int) {
	for i, c := range causes {
		own := c.Error()
		if i == len(causes)-1 && strings.HasSuffix(text, own) {
			return len(text) - len(own), i
		}
		if at := strings.Index(text, own); at >= 0 {
			return at, i
		}
	}
	return -1, 0
}

// causesOf returns the errors that an error wraps.
func causesOf(err error) (causes []error) {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		causes = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		causes = slices.Clone(e.Unwrap())
	}
	return slices.DeleteFunc(causes, func(c error) bool { return c == nil || c.Error() == "" })
}
