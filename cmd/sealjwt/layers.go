package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

const (
	partsJWS = 3 // header, payload, signature: RFC 7515 section 7.1
	partsJWE = 5 // header, encrypted key, IV, ciphertext, tag: RFC 7516 section 7.1

	// maxLayers bounds what a token full of tokens makes us print.
	maxLayers = 32
)

// layer is one token as a stranger reads it, without any key.
type layer struct {
	Where  string          `json:"where"` // "token", or the claim that holds it
	Kind   string          `json:"kind"`  // JWE or JWS
	Length int             `json:"length"`
	Header json.RawMessage `json:"header"`
	Parts  map[string]int  `json:"parts"`             // their sizes in bytes, decoded
	Claims json.RawMessage `json:"claims,omitempty"`  // of a JWS
	Text   *string         `json:"payload,omitempty"` // of a JWS without claims, if it is text

	SealedTo int              `json:"sealed_to,omitempty"` // recipients of a selective token
	Bound    *bool            `json:"bound,omitempty"`     // of a JWE in one: to that token
	Personal []exposedFinding `json:"personal,omitempty"`  // what of the claims is personal data

	header, claims strict.Object
	payload        string
	shown          int                      // JWEs of a selective token that are layers
	personal       map[string][]pii.Finding // by claim
}

var partNames = map[int][]string{
	partsJWS: {"header", "payload", "signature"},
	partsJWE: {"header", "encrypted_key", "iv", "ciphertext", "tag"},
}

// notCompact says why a text is no token in compact serialization, judged by its
// outer form; empty if it may be one.
func notCompact(token string) string {
	switch n := 1 + strings.Count(token, "."); {
	case token == "":
		return "the input is empty"
	case token[0] == '{':
		return "this is JSON, and only the compact serialization is taken: parts with dots between them"
	case strings.ContainsAny(token, " \t\r\n"):
		return "there is white space in or around it: give the token alone, on one line"
	case n != partsJWS && n != partsJWE:
		return fmt.Sprintf("it has %d parts, and a signed token has 3, an encrypted one 5: was it cut off?", n)
	}
	return ""
}

// readLayer takes one token apart. Its error holds nothing of the token.
func readLayer(where, token string) (*layer, error) {
	if reason := notCompact(token); reason != "" {
		return nil, errors.New(reason)
	}
	parts := strings.Split(token, ".")
	l := &layer{Where: where, Kind: "JWS", Length: len(token), Parts: make(map[string]int)}
	if len(parts) == partsJWE {
		l.Kind = "JWE"
	}
	var decoded [][]byte
	for i, name := range partNames[len(parts)] {
		b, err := strict.DecodeBase64URL(parts[i])
		if err != nil {
			return nil, fmt.Errorf("part %d (%s) is not canonical base64url without padding", i+1, strings.ReplaceAll(name, "_", " "))
		}
		decoded = append(decoded, b)
		l.Parts[name] = len(b)
	}
	var err error
	if l.header, err = strict.ParseObject(decoded[0]); err != nil {
		return nil, fmt.Errorf("its header is not one JSON object: %w", err)
	}
	if _, ok := l.header.Raw("alg"); !ok {
		return nil, errors.New("its header names no alg")
	}
	l.Header = display(decoded[0])
	if l.Kind == "JWS" {
		l.readPayload(decoded[1])
	}
	return l, nil
}

func (l *layer) readPayload(payload []byte) {
	l.payload = string(payload)
	var err error
	if l.claims, err = strict.ParseClaims(payload); err == nil {
		l.Claims = display(payload)
		l.SealedTo = sealedTo(l.claims)
		return
	}
	if utf8.Valid(payload) {
		l.Text = &l.payload
	}
}

// readLayers returns a token and every token that stands readable in it.
func readLayers(token string) ([]*layer, error) {
	outer, err := readLayer("token", token)
	if err != nil {
		return nil, err
	}
	layers := []*layer{outer}
	for i := 0; i < len(layers); i++ {
		l := layers[i]
		l.findPersonal()
		within(l.Where+" payload", l.payload, &layers)
		for name, value := range l.claims.All() {
			before := len(layers)
			search(l.Where+" claim "+bareName(name), value, &layers)
			if l.SealedTo > 0 && name == "sealed" {
				l.bind(layers[before:])
			}
		}
	}
	return layers, nil
}

// within adds the token that a text is, if it is one.
func within(where, text string, layers *[]*layer) {
	if len(*layers) >= maxLayers {
		return
	}
	if l, err := readLayer(where, text); err == nil {
		*layers = append(*layers, l)
	}
}

// search looks for tokens in a JSON value. The strict reader has bounded its depth.
func search(where string, value json.RawMessage, layers *[]*layer) {
	// A member of an object, so that Object's methods decode it.
	o, err := strict.ParseClaims(append(append([]byte(`{"v":`), value...), '}'))
	if err != nil {
		return
	}
	if text, _, err := o.Text("v"); err == nil {
		within(where, text, layers)
	}
	if items, _, err := o.Array("v"); err == nil {
		for i, item := range items {
			search(where+"["+strconv.Itoa(i)+"]", item, layers)
		}
	}
	if inner, _, err := o.Object("v"); err == nil {
		for name, v := range inner.All() {
			search(where+"."+bareName(name), v, layers)
		}
	}
}

// display is a JSON text on one line that is safe on a terminal, and means the
// same. Outside of strings compact JSON has printable ASCII only.
func display(text []byte) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil
	}
	return json.RawMessage(printable(b.String()))
}

// bareName is a member's name, quoted unless it is a plain word.
func bareName(name string) string {
	plainWord := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) < 0
	if plainWord {
		return name
	}
	return strconv.QuoteToGraphic(name)
}
