package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// How scan reads JSON that the strict reader refuses. A parser that keeps one of
// two members with the same name would hide the other one, so none of them is
// dropped here.

// member is one name and value of a header or of claims.
type member struct {
	name     string
	value    json.RawMessage
	personal []pii.Finding

	holdsToken bool
}

// readMembers reads one JSON object; ok is false if there is anything else.
func readMembers(text []byte) (members []*member, ok bool) {
	o, err := strict.ParseClaims(text)
	if err != nil {
		return readLoosely(text)
	}
	byName := make(map[string]*member)
	var redacted []*member // whose names are personal data
	for name, value := range o.All() {
		m := &member{name: name, value: value}
		members = append(members, m)
		byName[name] = m
		if shortName(name) == pii.RedactedName {
			redacted = append(redacted, m)
		}
	}
	for _, finding := range pii.InObject(o) {
		m := byName[finding.Claim]
		if finding.Path == pii.RedactedName { // one for each, in their order; of one that is named so, the path is quoted
			m, redacted = redacted[0], redacted[1:]
		}
		m.personal = append(m.personal, finding)
	}
	return members, true
}

// readLoosely returns the members before the place where the object breaks off, too.
func readLoosely(text []byte) (members []*member, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return members, false
		}
		m := &member{name: name.(string)} // the decoder takes no other names
		err = dec.Decode(&m.value)
		m.detect()
		members = append(members, m)
		if err != nil {
			return members, false
		}
	}
	_, end := dec.Token()
	_, more := dec.Token()
	return members, end == nil && more == io.EOF
}

// detect looks for personal data in a member of an object that the strict reader
// refuses.
// It may be the fault of another member; otherwise every string counts.
func (m *member) detect() {
	if name, err := json.Marshal(m.name); err == nil {
		alone := append(append(append([]byte{'{'}, name...), ':'), m.value...)
		if o, err := strict.ParseClaims(append(alone, '}')); err == nil {
			m.personal = pii.InObject(o)
			return
		}
	}
	add := func(path string, kind pii.Kind, ok bool) {
		if ok {
			m.personal = append(m.personal, pii.Finding{Claim: m.name, Path: path, Kind: kind})
		}
	}
	kind, ok := pii.InName(m.name)
	add(shortName(m.name), kind, ok)
	err := m.strings(func(path, text string, isName bool) {
		if isName {
			kind, ok := pii.InName(text)
			add(path, kind, ok)
		}
		kind, ok := pii.InText(text)
		add(path, kind, ok)
	})
	if err != nil {
		kind, ok := pii.InText(string(m.value))
		add(shortName(m.name), kind, ok)
	}
}

var errTooDeep = errors.New("nested too deep")

// strings calls each with the names, the strings and the numbers in a value, and
// with the path to them. Its error says that some were left out.
func (m *member) strings(each func(path, text string, isName bool)) error {
	return walk(json.NewDecoder(bytes.NewReader(m.value)), shortName(m.name), strict.MaxDepth, each)
}

func walk(dec *json.Decoder, path string, depth int, each func(path, text string, isName bool)) error {
	if depth == 0 {
		return errTooDeep
	}
	dec.UseNumber() // of which none is out of range
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case string:
		each(path, token, false)
	case json.Number:
		each(path, token.String(), false) // of a phone, for instance
	case json.Delim:
		for i := 0; dec.More(); i++ {
			inner := path + "[" + strconv.Itoa(i) + "]"
			if token == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				name := key.(string)
				inner = path + "." + shortName(name)
				each(inner, name, true)
			}
			if err := walk(dec, inner, depth-1, each); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	}
	return err
}

// shortName is a name as the paths of pii show it: safe on a terminal, not longer
// than names are, and left out if it is personal data itself.
func shortName(name string) string {
	const most = 48
	if _, ok := pii.InText(name); ok {
		return pii.RedactedName
	}
	if len(name) <= most {
		if bareName(name) == name {
			return name
		}
		return strconv.QuoteToASCII(name)
	}
	cut := most
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.QuoteToASCII(name[:cut] + "...")
}
