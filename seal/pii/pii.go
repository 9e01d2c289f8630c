// Package pii detects personal data in what a stranger reads of a token: by the
// names of claims and by their values. Credentials count as well, since an
// attacker who reads one can act as the person.
//
// [InObject] looks at both, [InName], [InText] and [InValue] at one of them. What a text is
// taken for has a shape of its own and, where the format has one, the right check
// digits. The names and values of ordinary tokens (UUIDs, hashes, timestamps,
// scopes, key ids, order numbers) are not taken for anything. Long numbers are the
// exception, because nothing else tells the numbers of cards and persons apart.
// These shares of random ones are taken for one:
//
//	11 digits  1.0 %    13 digits  0.3 %    14 digits  0.4 %    15 digits  0.45 %
//	16 digits  2.6 %    18 digits  0.003 %  19 digits  0.11 %   12, 17 or 20 digits  none
//
// So a service whose subjects are such numbers has one refused now and then. It lets
// them pass once and for all: AllowReadable "sub" in package seal.
//
// Nothing found is proof of nothing: a name, a diagnosis or an address under an
// inconspicuous claim has no shape. The guard is for the mistake, not for the
// decision which claims to show.
//
// All functions are safe for concurrent use and keep nothing. Their results are
// safe to print and hold no value of any claim.
package pii

import "github.com/sealjwt/sealjwt/keys/strict"

// Finding is one piece of personal data in an object.
type Finding struct {
	// Claim is the name of the member of the outermost object that it is in. A
	// name that is itself personal data is replaced by [RedactedName].
	Claim string

	// Path is the way to the place from the outermost object, Claim included, such
	// as address.locality or users[0].email. Names that are not plain words are
	// quoted in ASCII and cut when long, so that it is safe to print.
	Path string

	Kind Kind
}

// RedactedName stands for a member name that is itself personal data, such as the
// e-mail addresses of a map that is keyed by them.
const RedactedName = "[redacted name]"

// InName reports whether a claim of this name is personal data whatever its value.
// It knows the standard claims of OpenID Connect Core 1.0 section 5.1, other
// spellings of them, and further names that only a person's data have. Letter case
// and the signs between words do not matter; of a URI the last segment counts.
func InName(name string) (Kind, bool) {
	kind, how := nameKind(name)
	if how == noName {
		return "", false
	}
	return kind, true
}

// InText reports whether personal data stands anywhere in a text, and what the
// first is. It needs linear time and no memory.
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

// InValue reports what [InText] does, and besides whether a text is as a whole the address of a
// person's connection or device, or a place: an IP address outside of private networks, a MAC
// address, a pair of coordinates. In the middle of a text these are addresses of
// servers as a rule, so InText passes them over.
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
// the empty string count too. Else the guard would let a claim pass as long as it
// is tried with empty test users, and fail, or not be there, on the first real one.
func InObject(o strict.Object) []Finding {
	w := walker{}
	w.object(o, new(Place))
	return w.found
}
