package report

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// neverTaken are the members of a header that package open refuses, readMembers are other members
// that it reads, and copies are claims that it reads in the header of a JWE. Package open also
// refuses a header that has one of them in other letters, such as Crit.
var (
	neverTaken  = []string{"crit", "zip", "b64", "jwk", "jku", "x5u"}
	readMembers = []string{"enc", "kid", "typ", "cty", "epk", "apu", "apv"}
	copies      = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"}
)

// Refused returns the reasons in the spelling and in the header for which package open refuses a
// layer. There may be other reasons, such as an unknown key. The texts hold nothing of the token.
func Refused(l *leak.Layer) []string {
	faults := slices.Clip(l.Faults)
	if l.Form == leak.Disclosures || len(l.Header) == 0 {
		return faults
	}
	add := func(fault string) {
		if !slices.Contains(faults, fault) {
			faults = append(faults, fault)
		}
	}
	known := slices.Concat(neverTaken, readMembers)
	if l.Form == leak.JWE {
		known = append(known, copies...)
	}
	named := make(map[string]bool)
	for _, m := range l.Header {
		named[m.Name] = true
	}
	for _, m := range l.Header {
		for _, name := range known {
			if !named[name] && strings.EqualFold(m.Name, name) {
				add("its header has " + name + " in other letters")
			}
		}
		var value string
		if json.Unmarshal(m.Value, &value) != nil {
			value = ""
		}
		switch {
		case slices.Contains(neverTaken, m.Name):
			add("its header has " + m.Name + ", which is never taken")
		case m.Name == "alg" && strings.EqualFold(value, "none"):
			add("its alg says that it is not signed")
		case m.Name == "alg" && !slices.Contains(algorithms(l.Form), value):
			add("its alg is none of " + strings.Join(algorithms(l.Form), ", "))
		case m.Name == "enc" && l.Form == leak.JWE && !isContent(value):
			add("its enc is not offered")
		}
	}
	if !named["alg"] {
		add("its header lacks alg")
	}
	if l.Form == leak.JWE && !named["enc"] {
		add("its header lacks enc")
	}
	return faults
}

// algorithms returns the names of the algorithms that package open takes in a layer of this form.
func algorithms(form leak.Form) (names []string) {
	use := keys.UseSig
	if form == leak.JWE {
		use = keys.UseEnc
	}
	for _, s := range keys.Suites() {
		if s.Use() == use && !slices.Contains(names, s.Alg()) { // one name stands for two curves
			names = append(names, s.Alg())
		}
	}
	if use == keys.UseSig {
		names = append(names, "Ed25519") // RFC 9864, of which EdDSA is the older name
	}
	return names
}

func isContent(enc string) bool {
	_, err := keys.ParseContent(enc)
	return err == nil
}
