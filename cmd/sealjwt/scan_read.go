package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/seal/pii"
)

// exposed is what a stranger reads in one token, in any spelling. It is not a
// layer, which is what open would take.
type exposed struct {
	where          string // "token", or the claim that holds it
	kind           string // JWE or JWS
	length         int
	unsigned       bool
	cutOff         string // of a JWS without a third part: where it breaks off
	header, claims []*member
	text           string        // of the payload, if it holds no claims
	personal       []pii.Finding // in that text
	holdsToken     bool          // that text
	sealedTo       int           // recipients of the sealed claims
}

// Where a JWS breaks off.
const (
	beforeSignature = "signature"
	inPayload       = "payload"
)

// How the place of an inner token is told.
const (
	ofHeader = " header "
	ofClaim  = " claim "
)

// exposedIn returns what can be read in a token and in every token that stands
// readable in it.
func exposedIn(token string) []*exposed {
	list := []*exposed{readToken("token", token)}
	for i := 0; i < len(list); i++ {
		e := list[i]
		for _, m := range e.header {
			list = e.inner(ofHeader, m, list)
		}
		for _, m := range e.claims {
			list = e.inner(ofClaim, m, list)
		}
		var rest string
		list, rest = tokensIn(e.where+" payload", e.text, list)
		if rest != e.text {
			e.holdsToken = true
			if _, personal := pii.InText(rest); !personal {
				e.personal = nil
			}
		}
	}
	return list
}

// readToken takes apart what the finder has found.
func readToken(where, token string) *exposed {
	parts := strings.Split(token, ".")
	e := &exposed{where: where, kind: "JWS", length: len(token)}
	e.header, _ = readMembers(decodeLoosely([]byte(parts[0])))
	if len(parts) == partsJWE {
		e.kind = "JWE"
		return e
	}
	e.unsigned = len(parts) == partsJWS && parts[2] == ""
	for _, m := range e.header {
		if m.name == "alg" && strings.EqualFold(string(m.value), `"none"`) {
			e.unsigned = true
		}
	}
	payload := decodeLoosely([]byte(parts[1]))
	var ok bool
	e.claims, ok = readMembers(payload)
	switch {
	case len(parts) == partsJWS:
	case ok:
		e.cutOff = beforeSignature
	default:
		e.cutOff = inPayload
	}
	if ok {
		return e
	}
	e.text = string(payload)
	if kind, ok := pii.InText(e.text); ok {
		e.personal = []pii.Finding{{Path: "payload", Kind: kind}}
	}
	return e
}

// inner appends the tokens in a member's strings. The text of a token is not judged
// as a text: what can be read in it counts there.
func (e *exposed) inner(of string, m *member, list []*exposed) []*exposed {
	judged := make(map[string]string) // by path: what else is in the text
	before := len(list)
	err := m.strings(func(path, text string, isName bool) {
		var rest string
		list, rest = tokensIn(e.where+of+path, text, list)
		if rest != text {
			m.holdsToken = true
			if !isName {
				judged[path] = rest
			}
		}
	})
	m.holdsToken = m.holdsToken || err != nil // it may, where nobody looked
	m.personal = slices.DeleteFunc(m.personal, func(f pii.Finding) bool {
		rest, ok := judged[f.Path]
		_, personal := pii.InText(rest)
		return ok && (rest == "" || f.Kind == pii.Token && !personal)
	})
	if m.name == "sealed" && of == ofClaim {
		e.sealedTo = sealedRecipients(m.value, list[before:])
	}
	return list
}

// tokensIn appends the tokens in a text as long as there is room, and returns the
// text without them.
func tokensIn(where, text string, list []*exposed) (longer []*exposed, rest string) {
	if !strings.Contains(text, ".") {
		return list, text
	}
	var without strings.Builder
	f := inText(text)
	for {
		found, err := f.next(context.Background())
		if err != nil {
			without.WriteString(text)
			return list, without.String()
		}
		token := string(found.token)
		before, after, _ := strings.Cut(text, token)
		without.WriteString(before)
		text = after
		if len(list) < maxLayers {
			list = append(list, readToken(where, token))
		}
	}
}

// sealedRecipients is the number of JWEs in the claim that holds the sealed ones; 0 if
// there is anything else in it.
func sealedRecipients(value json.RawMessage, inside []*exposed) int {
	var items []string
	if json.Unmarshal(value, &items) != nil || len(items) != len(inside) {
		return 0
	}
	for i, e := range inside {
		if e.kind != "JWE" || e.length != len(items[i]) {
			return 0
		}
	}
	return len(items)
}

// findings is how many pieces of personal data can be read, inner tokens aside.
func (e *exposed) findings() int {
	n := len(e.personal)
	for _, m := range slices.Concat(e.header, e.claims) {
		n += len(m.personal)
	}
	return n
}
