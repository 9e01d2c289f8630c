package report

import (
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// kindOf returns how a layer is protected, in the words of inspect.
func kindOf(l *leak.Layer) string {
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
		return "NOT SIGNED and not encrypted: anybody can have written it"
	}
	return "signed and not encrypted"
}

// summary returns what a selective token is, in the words of inspect. It is empty for others.
func summary(l *leak.Layer) string {
	switch {
	case l.Form == leak.JWS && l.SealedTo > 0:
		return fmt.Sprintf("selective token: %s readable by anybody, sealed for %s",
			count(len(l.Claims)-1, "claim"), count(l.SealedTo, "recipient"))
	case l.Bound == nil && l.SealedTo > 1:
		return "encrypted for " + count(l.SealedTo, "recipient")
	case l.Bound == nil:
		return ""
	case *l.Bound:
		return "sealed claims, for who has the key that kid names; bound to this token by iss and jti"
	}
	return "sealed claims, NOT BOUND to this token: iss and jti are not the ones that it has"
}

// sealedNote returns what stands for the JWEs of a selective token, which follow as layers. It is
// empty for other tokens.
func sealedNote(u *leak.Unverified, i int) string {
	l, shown := &u.Layers[i], 0
	if l.SealedTo == 0 {
		return ""
	}
	for j := i + 1; j < len(u.Layers); j++ {
		if strings.HasPrefix(u.Layers[j].Where, l.Where+" claim sealed[") {
			shown++
		}
	}
	jwes := count(l.SealedTo, "JWE")
	if shown < l.SealedTo {
		return fmt.Sprintf("%s, the first %d below", jwes, shown)
	}
	return jwes + ", below"
}

// kinds returns the kinds of personal data in a member, and the places of those that are deeper
// inside.
func kinds(name string, personal []pii.Finding) string {
	var list []string
	for _, f := range personal {
		text := string(f.Kind)
		if f.Path != name {
			text += " in " + f.Path
		}
		list = addName(list, text)
	}
	return strings.Join(list, ", ")
}

// addName appends a name that is not there yet. The rest of a long list is left out.
func addName(names []string, name string) []string {
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

// shortName returns a name as the paths of pii show it: left out if it is personal data itself.
func shortName(name string) string {
	var top pii.Place
	at, _, _ := top.Member(name)
	return at.Path()
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
