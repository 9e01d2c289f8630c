package report

import (
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// The words of inspect, in a terminal and in a browser, and of scan.

// Protection returns how a layer is protected, and warns of one that is not signed.
func Protection(l *leak.Layer) string {
	if l.Unsigned && l.CutOff == leak.Whole {
		return "NOT SIGNED and not encrypted: an attacker can have written it"
	}
	return Kind(l)
}

// Kind returns how a layer is protected.
func Kind(l *leak.Layer) string {
	switch {
	case l.Form == leak.JWE:
		return "encrypted"
	case l.Form == leak.Disclosures:
		return "not encrypted"
	case l.CutOff == leak.InPayload:
		return "cut off in the payload, and not encrypted"
	case l.CutOff == leak.BeforeSignature:
		return "its signature missing, and not encrypted"
	case l.Unsigned:
		return "not signed and not encrypted"
	}
	return "signed and not encrypted"
}

// Summary returns a sentence about a layer: of a selective token for how many recipients it is
// sealed, of a JWE in it whether the JWE is bound to the token, and of another JWE how many
// recipients it has if there are several. It returns "" for other layers.
func Summary(l *leak.Layer) string {
	switch {
	case l.Form == leak.JWS && l.SealedTo > 0:
		return fmt.Sprintf("selective token: %s readable without a key, others sealed for %s",
			console.Count(int64(len(l.Claims)-1), "claim"), console.Count(int64(l.SealedTo), "recipient"))
	case l.Bound == nil && l.SealedTo > 1:
		return "encrypted for " + console.Count(int64(l.SealedTo), "recipient")
	case l.Bound == nil:
		return ""
	case *l.Bound:
		return "sealed claims, for the holder of the key that kid names; bound to this token by iss and jti"
	}
	return "sealed claims, NOT BOUND to this token: iss and jti are not the ones that it has"
}

// SealedNote returns the text in place of the JWEs of a selective token, which follow as layers of
// their own. It returns "" for other tokens.
func SealedNote(u *leak.Unverified, i int) string {
	l, shown := &u.Layers[i], 0
	if l.SealedTo == 0 {
		return ""
	}
	for j := i + 1; j < len(u.Layers); j++ {
		if strings.HasPrefix(u.Layers[j].Where, l.Where+" claim sealed[") {
			shown++
		}
	}
	jwes := console.Count(int64(l.SealedTo), "JWE")
	if shown < l.SealedTo {
		return fmt.Sprintf("%s, the first %d below", jwes, shown)
	}
	return jwes + ", below"
}

// Kinds returns the kinds of personal data in a member, each with its place if that is deeper
// inside.
func Kinds(name string, personal []pii.Finding) string {
	var list []string
	for _, f := range personal {
		text := string(f.Kind)
		if f.Path != name {
			text += " in " + f.Path
		}
		list = AddName(list, text)
	}
	return strings.Join(list, ", ")
}

// AddName appends a name if the list does not have it. Twelve names fit: for the next one it
// appends "and others", and for later ones nothing.
func AddName(names []string, name string) []string {
	const most, others = 12, "and others"
	for _, n := range names {
		if n == name {
			return names
		}
	}
	switch {
	case len(names) == most:
		return append(names, others)
	case len(names) > most:
		return names
	}
	return append(names, name)
}

// ShortName returns a name as package pii writes it in a path: safe on a terminal, of bounded
// length, and replaced if it is personal data itself.
func ShortName(name string) string {
	var top pii.Place
	at, _, _ := top.Member(name)
	return at.Path()
}
