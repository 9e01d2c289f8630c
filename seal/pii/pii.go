// Package pii detects personal data in what a stranger reads of a token, by the
// names of claims and by their values.
package pii

import "github.com/sealjwt/sealjwt/keys/strict"

// Kind says what a name or a value was taken for, in words for people: "e-mail
// address".
type Kind string

// Finding is one piece of personal data in an object.
type Finding struct {
	Claim string // the name of the member of the outermost object that it is in
	Path  string // from there to the place, such as address.locality or users[0].email; safe to print
	Kind  Kind
}

// InName reports whether a claim of this name is personal data whatever its value.
func InName(name string) (Kind, bool) { return "", false }

// InText reports whether personal data stands anywhere in a text.
func InText(text string) (Kind, bool) { return "", false }

// InObject returns the personal data in an object, names and values at every
// depth, in the order of the text.
func InObject(o strict.Object) []Finding { return nil }
