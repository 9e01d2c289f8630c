package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sealjwt/sealjwt/seal/pii"
)

// masked stands for every value. How long it is would already say something.
const masked = "***"

// shownAnyway are the values of a header that tell what kind of token it is, and
// nothing else. One that is not among them may be anything.
var shownAnyway = []string{
	"none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
	"ES256K", "EdDSA", "Ed25519", "Ed448", "dir", "RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "A128KW", "A192KW", "A256KW",
	"A128GCMKW", "A192GCMKW", "A256GCMKW", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
	"PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW",
	"A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM", "DEF",
	"JWT", "at+jwt", "sealed+jwt", "sealed-claims+json", "dpop+jwt", "logout+jwt", "secevent+jwt", "id+jwt", "dc+sd-jwt", "kb+jwt",
}

// scanReport writes what is exposed, as text or as lines of JSON.
type scanReport struct {
	asJSON, showValues bool
}

// place is where a token is.
type place struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Column int64  `json:"column"`
}

// at begins the report on a token; what follows is the same wherever it is.
func (r scanReport) at(p place) []byte {
	if !r.asJSON {
		return fmt.Appendf(nil, "%s:%d:%d: ", printable(p.File), p.Line, p.Column)
	}
	text, _ := json.Marshal(p) // a text and two numbers
	return append(bytes.TrimSuffix([]byte(printable(string(text))), []byte{'}'}), ',')
}

// tooLong ends the report on a token that was not read.
func (r scanReport) tooLong() []byte {
	if r.asJSON {
		return fmt.Appendf(nil, `"skipped":"longer than %d bytes"}`+"\n", maxScanned)
	}
	return fmt.Appendf(nil, "longer than %d bytes, and not read\n", maxScanned)
}

// what ends the report on one that was.
func (r scanReport) what(list []*exposed) ([]byte, error) {
	if r.asJSON {
		return r.json(list)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i, e := range list {
		if i > 0 {
			if e.findings() == 0 && e.kind == "JWE" {
				continue
			}
			fmt.Fprintf(w, "  %s: ", e.where)
		}
		r.describe(w, e)
	}
	w.Flush()
	return b.Bytes(), nil
}

// describe begins with the line for those who grep.
func (r scanReport) describe(w *tabwriter.Writer, e *exposed) {
	kind := "signed and not encrypted"
	switch {
	case e.kind == "JWE":
		kind = "encrypted"
	case e.cutOff == inPayload:
		kind = "cut off in the payload, and not encrypted"
	case e.cutOff == beforeSignature:
		kind = "its signature missing, and not encrypted"
	case e.unsigned:
		kind = "not signed and not encrypted"
	}
	fmt.Fprintf(w, "%s, %s, %d characters: %s\n", e.kind, kind, e.length, e.summary())
	r.members(w, "header", e.header)
	r.members(w, "claims", e.claims)
	switch {
	case e.sealedTo > 0:
		fmt.Fprintf(w, "    sealed claims for recipients: %d\n", e.sealedTo)
	case e.text != "":
		what := "no JSON object"
		if e.cutOff != "" {
			what = "cut off"
		}
		line := fmt.Sprintf("    payload, %s  %s  %s", what, orMasked(r.payload(e)), kinds("payload", e.personal))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	w.Flush() // the columns of the next token are its own
}

// members has one line for what is personal data, each, and one for the rest.
func (r scanReport) members(w *tabwriter.Writer, part string, members []*member) {
	var rest []string
	for _, m := range members {
		name, value := shortName(m.name), r.value(m, part == "header")
		switch {
		case len(m.personal) > 0:
			fmt.Fprintf(w, "    %s %s\t%s\t%s\n", strings.TrimSuffix(part, "s"), name, orMasked(value), kinds(name, m.personal))
		case value != nil:
			rest = append(rest, name+" "+string(value))
		default:
			rest = append(rest, name)
		}
	}
	w.Flush()
	if rest != nil {
		fmt.Fprintf(w, "    %s: %s\n", part, strings.Join(rest, ", "))
	}
}

func orMasked(value json.RawMessage) string {
	if value == nil {
		return masked
	}
	return string(value)
}

// summary names the claims that are personal data.
func (e *exposed) summary() string {
	var names []string
	for _, m := range slices.Concat(e.header, e.claims) {
		if len(m.personal) > 0 {
			names = addName(names, shortName(m.name))
		}
	}
	if len(e.personal) > 0 {
		names = addName(names, "payload")
	}
	if names == nil {
		return "no personal data found"
	}
	return "PERSONAL DATA in " + strings.Join(names, ", ")
}

// addName appends a name that is not there yet. The rest of a long list is left out.
func addName(names []string, name string) []string {
	const most, others = 12, "and others"
	switch {
	case slices.Contains(names, name):
		return names
	case len(names) == most:
		return append(names, others)
	case len(names) > most:
		return names
	}
	return append(names, name)
}

// value is a member's value if it may be shown; nil otherwise. A token in it is a
// credential, and is never printed.
func (r scanReport) value(m *member, inHeader bool) json.RawMessage {
	if r.showValues && !m.holdsToken {
		return display(bytes.ToValidUTF8(m.value, []byte("\uFFFD")))
	}
	var text string
	if inHeader && json.Unmarshal(m.value, &text) == nil && slices.Contains(shownAnyway, text) {
		return display(m.value)
	}
	return nil
}

// payload is the same of a payload without claims.
func (r scanReport) payload(e *exposed) json.RawMessage {
	if !r.showValues || e.holdsToken {
		return nil
	}
	text, _ := json.Marshal(e.text) // of which every string can be written
	return display(text)
}

// kinds says what was found in a member, and where if that is deeper inside.
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
