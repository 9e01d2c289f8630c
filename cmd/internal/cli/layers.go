package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// The words in which inspect, scan and open describe the layers of a token.

const (
	partsJWS = 3 // header, payload, signature: RFC 7515 section 7.1
	partsJWE = 5 // header, encrypted key, IV, ciphertext, tag: RFC 7516 section 7.1
)

// bearer matches a text that was copied from an HTTP header with the word Bearer (RFC 6750 section
// 2.1).
var bearer = regexp.MustCompile(`(?i)^\s*(authorization:\s*)?bearer\s`)

// notCompact returns the reason why a text cannot be a token in compact serialization, and "" if it
// may be one.
func notCompact(token string) string {
	switch n := 1 + strings.Count(token, "."); {
	case token == "":
		return "the input is empty"
	case token[0] == '{':
		return "this is JSON, and only the compact serialization is taken: parts with dots between them"
	case bearer.MatchString(token):
		return `leave out "Bearer " and what stands before it: give the token alone, on one line`
	case strings.ContainsAny(token, " \t\r\n"):
		return "there is white space in or around it: give the token alone, on one line"
	case n > partsJWE:
		return fmt.Sprintf("it has %d parts, and a signed token has 3, an encrypted one 5: that is more than one token", n)
	case n != partsJWS && n != partsJWE:
		return fmt.Sprintf("it has %s, and a signed token has 3, an encrypted one 5: was it cut off?", console.Count(int64(n), "part"))
	}
	return ""
}

// outermost returns the outermost layer of a token, and why package open refuses its parts or its
// header. If the text cannot be read as a token, fault says why, and the layer is empty.
func outermost(token string) (l leak.Layer, fault string) {
	u, err := leak.Read(token)
	if err != nil {
		return leak.Layer{}, err.Error()
	}
	return u.Layers[0], u.Layers[0].OuterFault
}

// display returns a JSON text as one line that is safe on a terminal. The meaning stays the same:
// compact JSON is printable ASCII outside of strings, so only characters in strings are escaped.
func display(text []byte) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil
	}
	return json.RawMessage(console.Printable(b.String()))
}

// displayValue returns a value in the form that display gives a text, without the token that may
// stand in it: a thief could use a token from a ticket or from the history of a terminal.
func displayValue(text []byte, holdsToken bool) json.RawMessage {
	return report.WithoutToken(display(text), holdsToken)
}

// displayMembers returns the JSON object with these members, in the form that displayValue gives a
// value. The JWEs in the claim sealed of a selective token stay: without the recipient's key they show
// nothing.
func displayMembers(members []leak.Member, isSelective bool) json.RawMessage {
	b := []byte{'{'}
	for i := range members {
		m := &members[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, quotedJSON(report.Name(m.Name, m.HoldsToken))...)
		b = append(append(b, ':'), displayValue(m.Value, m.HoldsToken && !(isSelective && m.Name == "sealed"))...)
	}
	return display(append(b, '}'))
}

// quotedJSON returns a text as a JSON string, with no more escapes than it needs.
func quotedJSON(text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(text) // does not fail for a string
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// bareName returns the name of a member, in quotes unless it has only ASCII letters, digits, _ and
// -.
func bareName(name string) string {
	plainWord := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) < 0
	if plainWord {
		return name
	}
	return strconv.QuoteToGraphic(name)
}
