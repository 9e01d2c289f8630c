// Package strict reads JSON and base64url for security tokens: one spelling, unique
// names, bounded depth.
//
// Two programs that read the same signed bytes must see the same claims. encoding/json cannot
// promise that: it folds the case of member names, lets the last duplicate win, and replaces bad
// UTF-8, so an expired token that adds an "EXP" in the future passes. This package refuses what
// such readers read differently: duplicate names, names that differ only in case ([ParseClaims]
// and [ParseClaim] say where these pass) and bad UTF-8. No header or claim that came from outside
// may reach another JSON decoder before this package has accepted it.
//
// [ParseObject] reads one JSON object. The methods of [Object] that read a member as some type
// never take another type for it: such a member, null included, is an error and does not count as
// absent. [DecodeBase64URL] accepts the one canonical spelling of the bytes. The caller must cap
// the length of the input, long before [MaxText]. To parse n bytes takes at most n log n time.
//
// All functions and the methods of [Object] are safe for concurrent use; a [Literal] is not. No
// error text contains anything of the input, so every error may be logged.
//
// JSON is the JSON of RFC 8259, without the unpaired surrogates and duplicate names that I-JSON
// bans (RFC 7493 sections 2.1 and 2.3); RFC 7515 section 4 and RFC 7519 section 4 let a reader
// refuse duplicate names.
package strict

import (
	"fmt"
	"strconv"
)

// Limits on one JSON text. They are far above what tokens need and low enough
// that no text makes a reader recurse or allocate without bound.
const (
	// MaxText is the length of a text in bytes.
	MaxText = 16 << 20
	// MaxDepth is the depth to which arrays and objects may nest; the outermost has depth 1.
	MaxDepth = 32
	// MaxNumber is the length of one number's text in bytes. Some decoders need
	// quadratic time for the digits.
	MaxNumber = 128
	// MaxName is the length of a member name in bytes, escapes decoded.
	MaxName = 256
	// MaxValues is the number of values in one text, including nested values and the
	// outermost object.
	MaxValues = 20000
	// MaxMembers is the number of members in one text, including the members of nested objects.
	// The parser keeps a record of each, which can take a few times the memory of its text.
	MaxMembers = 8192
	// MaxStrings is the largest number of elements that [Object.Strings] accepts.
	MaxStrings = 1000
)

// These reasons name the limit: a text can be far shorter than MaxText and have too many members.
var (
	tooManyValues  = "more than " + strconv.Itoa(MaxValues) + " values"
	tooManyMembers = "more than " + strconv.Itoa(MaxMembers) + " members"
)

// Error says why a text was refused and where. It holds nothing of the text.
type Error struct {
	Offset int    // of the byte at fault, or where the faulty part begins; counted from 0
	Reason string // a fixed phrase
}

// Error returns a text such as "strict: value expected at byte 7".
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	return fmt.Sprintf("strict: %s at byte %d", e.Reason, e.Offset)
}

// MemberError says that a member is present but not what the caller asked for.
// It holds the name that the caller gave, and nothing of the text.
type MemberError struct {
	Name   string // as the caller gave it
	Reason string // a fixed phrase, such as "is not a string"
}

// Error returns a text such as `strict: member "exp" is not a number`.
func (e *MemberError) Error() string {
	if e == nil {
		return "<nil>"
	}
	return fmt.Sprintf("strict: member %q %s", e.Name, e.Reason)
}
