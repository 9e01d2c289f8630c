package report

import (
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// reader is one line of the table that says who reads what.
type reader struct {
	Where  string // the layer
	What   string // the part of it
	Class  string // the colour of the part
	Names  string // the members, or the size
	Who    string
	Sealed bool
	Count  int // pieces of personal data in the part
}

const holder = "every holder of this token"

// readersOf returns who reads the parts of one layer.
func readersOf(l *leak.Layer, v *layerView) []reader {
	var list []reader
	if v.HasHeader {
		list = append(list, reader{Where: v.Where, What: "header", Class: "header", Names: namesOf(v.Header), Who: holder, Count: personalIn(l.Header)})
	}
	switch {
	case l.Form == leak.JWE:
		list = append(list, reader{Where: v.Where, What: "ciphertext", Class: "cipher", Names: sizeOf(l, "ciphertext"), Who: recipient(l), Sealed: true})
	case v.HasClaims:
		what := "claims"
		if l.Form == leak.Disclosures {
			what = "disclosures"
		}
		list = append(list, reader{Where: v.Where, What: what, Class: "payload", Names: namesOf(v.Claims), Who: holder, Count: personalIn(l.Claims)})
	}
	if v.Payload != "" {
		list = append(list, reader{Where: v.Where, What: "payload", Class: "payload", Names: v.Payload, Who: holder, Count: len(l.Personal)})
	}
	return list
}

// recipient returns who can decrypt a JWE by the kids in its headers, which are not verified.
func recipient(l *leak.Layer) string {
	var kids []string
	for i := range l.Header {
		if m := &l.Header[i]; m.Name == "kid" {
			text, _ := value(m.Value, m.HoldsToken)
			short, left := cut(text, maxName)
			if left > 0 {
				short += "…"
			}
			kids = AddName(kids, short)
		}
	}
	switch {
	case len(kids) == 1:
		return "the holder of the key " + kids[0]
	case len(kids) > 1:
		return "the holder of one of the keys " + strings.Join(kids, ", ")
	}
	return "the holder of the recipient's key, which the header does not name"
}

func namesOf(members []memberView) string {
	var names []string
	for i := range members {
		names = AddName(names, members[i].Name)
	}
	if names == nil {
		return "empty"
	}
	return strings.Join(names, ", ")
}

func sizeOf(l *leak.Layer, part string) string {
	n := 0
	for _, s := range l.Sizes {
		if s.Part == part {
			n += s.Bytes
		}
	}
	return fmt.Sprintf("encrypted, %s", console.Count(int64(n), "byte"))
}

func personalIn(members []leak.Member) int {
	n := 0
	for i := range members {
		n += len(members[i].Personal)
	}
	return n
}
