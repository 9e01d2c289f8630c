// Package pii detects personal data in what a stranger reads of a token: by the
// names of claims and by their values. Credentials count as well, since an
// attacker who reads one can act as the person.
//
// [InObject] looks at names and values, [InName] at a name only, [InText] and [InValue] at a
// value only. A text counts as personal data if it has a format of its own and, where the
// format has check digits, the right ones. The names and values of ordinary tokens (UUIDs,
// hashes, timestamps, scopes, key ids, order numbers) do not count. Long numbers are the
// exception, because only the check digits distinguish the number of a card or a person from
// any other number. These shares of random numbers count as the number of a card or a person:
//
//	11 digits  1.0 %    13 digits  0.3 %    14 digits  0.4 %    15 digits  0.45 %
//	16 digits  2.6 %    18 digits  0.003 %  19 digits  0.11 %   12, 17 or 20 digits  none
//
// So in a service whose subjects are such numbers, package seal refuses a token now and then.
// The service sets AllowReadable to "sub" in package seal, which then accepts all of them.
//
// If this package finds nothing, that proves nothing: a name, a diagnosis or an address has no
// format that could be found under a claim with an inconspicuous name. The package catches
// mistakes. You still have to decide which claims to show.
//
// All functions are safe for concurrent use and keep nothing. Their results are
// safe to print and hold no value of any claim.
package pii

import "github.com/sealjwt/sealjwt/keys/strict"

// Finding is one piece of personal data in an object.
type Finding struct {
	// Claim is the name of the claim, the member of the outermost object, that holds the
	// personal data. A name that is itself personal data is replaced by [RedactedName].
	Claim string

	// Path is the way from the outermost object to the personal data, Claim included, such
	// as address.locality or users[0].email. Names that are not plain words are quoted in
	// ASCII, and long names are cut, so that a Path is safe to print.
	Path string

	Kind Kind
}

// RedactedName stands for a member name that is itself personal data, such as an e-mail address
// in a map whose keys are e-mail addresses.
const RedactedName = "[redacted name]"

// InName reports whether a claim of this name is personal data whatever its value.
// It knows the standard claims of OpenID Connect Core 1.0 section 5.1, other
// spellings of them, and further names that only a person's data have. Letter case
// and the signs between words do not matter. If the name is a URI, its last segment decides.
func InName(name string) (Kind, bool) {
	kind, how := nameKind(name)
	if how == noName {
		return "", false
	}
	return kind, true
}

// InText reports whether personal data stands anywhere in a text, and returns the kind of the
// first that it finds. It takes linear time and allocates no memory.
func InText(text string) (Kind, bool) {
	for i := 0; i < len(text); {
		if isAlnum(text[i]) {
			if kind, ok := atWord(text, i); ok {
				return kind, true
			}
			i = wordEnd(text, i)
			continue
		}
		if kind, ok := atSign(text, i); ok {
			return kind, true
		}
		i++
	}
	return "", false
}

// InValue reports what [InText] reports, and also whether the whole text is an IP address outside
// of private networks, a MAC address or a pair of coordinates: these tell a person's connection,
// device or place. In the middle of a longer text they mostly belong to servers, so InText ignores
// them.
func InValue(text string) (Kind, bool) {
	if kind, ok := InText(text); ok {
		return kind, true
	}
	return wholeAddress(text)
}

// InNumber reports whether a number, as JSON spells it, is personal data. A number with a
// fraction or an exponent is a quantity, and never personal.
func InNumber(literal string) (Kind, bool) {
	if wordEnd(literal, 0) != len(literal) {
		return "", false
	}
	return InText(literal)
}

// InObject returns the personal data in an object, names and values at every
// depth, in the order of the text.
//
// A member with a personal name is one finding, whatever its value: null, false and
// the empty string count too. Otherwise the guard would accept the claim in tests whose users
// have empty values, and refuse it only when the first real user comes.
func InObject(o strict.Object) []Finding {
	w := walker{}
	w.object(o, new(Place))
	return w.found
}
