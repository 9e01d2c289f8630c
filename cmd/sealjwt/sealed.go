package main

import (
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// What a stranger sees of a selective token: how many can read what is sealed in
// it, for which keys, and whether the JWEs name the token that they are in.

// sealedTo is the number of JWEs in the member sealed. It is 0 if there is anything
// else in it, which makes it a claim like others.
func sealedTo(claims strict.Object) int {
	raw, there := claims.Raw("sealed")
	texts, _, err := claims.Strings("sealed")
	if !there || err != nil || raw[0] != '[' {
		return 0
	}
	for _, text := range texts {
		if strings.Count(text, ".") != partsJWE-1 {
			return 0
		}
		l, err := readLayer("sealed", text)
		if err != nil {
			return 0
		}
		if cty, _, _ := l.header.Text("cty"); !strict.SameMediaType(cty, "sealed-claims+json") {
			return 0
		}
	}
	return len(texts)
}

// bind notes of each JWE in a selective token whether it names iss and jti of that
// token. Open refuses one that does not: it was put there from another token.
func (l *layer) bind(jwes []*layer) {
	for _, jwe := range jwes {
		bound := sameText(l.claims, jwe.header, "iss") && sameText(l.claims, jwe.header, "jti")
		jwe.Bound = &bound
	}
	l.shown = len(jwes)
}

// sameText: absent never equals absent.
func sameText(a, b strict.Object, name string) bool {
	x, there, errX := a.Text(name)
	y, alsoThere, errY := b.Text(name)
	return there && alsoThere && errX == nil && errY == nil && x == y
}

// summary says it of a selective token; it is empty for others.
func (l *layer) summary() string {
	switch {
	case l.SealedTo > 0:
		return fmt.Sprintf("  selective token: %s readable by anybody, sealed for %s\n",
			count(int64(l.claims.Len()-1), "claim"), count(int64(l.SealedTo), "recipient"))
	case l.Bound == nil:
		return ""
	case *l.Bound:
		return "  sealed claims, for who has the key that kid names; bound to this token by iss and jti\n"
	}
	return "  sealed claims, NOT BOUND to this token: iss and jti are not the ones that it has\n"
}

// sealedNote stands for the JWEs themselves, which follow as layers.
func (l *layer) sealedNote() string {
	jwes := count(int64(l.SealedTo), "JWE")
	if l.shown < l.SealedTo {
		return fmt.Sprintf("%s, the first %d below", jwes, l.shown)
	}
	return jwes + ", below"
}

// findPersonal looks for personal data among the readable claims: those of a JWS,
// and those in the header of a JWE.
func (l *layer) findPersonal() {
	readable := l.claims
	if l.Kind == "JWE" {
		readable = l.header
	}
	found := pii.InObject(readable)
	l.personal = make(map[string][]pii.Finding)
	for _, f := range found {
		l.personal[f.Claim] = append(l.personal[f.Claim], f)
	}
	l.Personal = findingLines(found)
}

// personalNote says what kind of personal data a claim is, empty if it is none.
func (l *layer) personalNote(name string) string {
	claim := name
	if _, ok := pii.InText(name); ok {
		claim = pii.RedactedName
	}
	found := l.personal[claim]
	if found == nil {
		return ""
	}
	return "  personal: " + kinds(bareName(name), found)
}
