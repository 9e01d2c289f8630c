package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// notUnderstood is the limit that is reported for a token that was found and could not be read.
const notUnderstood leak.Limit = "not understood"

// masked stands for a value that must not be printed. The length of the value would already reveal
// a part of it.
const masked = "***"

// shownAnyway are the header values that a report shows where it masks others. They tell what kind
// of token it is, and nothing else. Any other value may be personal, so the report masks it.
var shownAnyway = []string{
	"none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
	"ES256K", "EdDSA", "Ed25519", "Ed448", "dir", "RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "A128KW", "A192KW", "A256KW",
	"A128GCMKW", "A192GCMKW", "A256GCMKW", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
	"PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW",
	"A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM", "DEF",
	"JWT", "at+jwt", "sealed+jwt", "sealed-claims+json", "dpop+jwt", "logout+jwt", "secevent+jwt", "id+jwt", "dc+sd-jwt", "kb+jwt",
}

// scanReport writes the findings, as text or as lines of JSON.
type scanReport struct {
	asJSON, showValues bool
	strong             func(string) string // makes words stand out on a terminal
	now                time.Time           // with which dates are compared
}

// place is where a token is.
type place struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Column int64  `json:"column"`
}

// at returns the beginning of the report on a token: its place. The rest does not depend on the
// place, so scan.known can keep it.
func (r scanReport) at(p place) []byte {
	if !r.asJSON {
		return fmt.Appendf(nil, "%s:%d:%d: ", console.Printable(p.File), p.Line, p.Column)
	}
	text, _ := json.Marshal(p) // a text and two numbers
	return append(bytes.TrimSuffix([]byte(console.Printable(string(text))), []byte{'}'}), ',')
}

// limit returns the rest of the report on a token that was not read.
func (r scanReport) limit(l leak.Limit) []byte {
	if r.asJSON {
		return fmt.Appendf(nil, `"skipped":"%s"}`+"\n", l)
	}
	if l == leak.LimitBinary {
		return fmt.Appendf(nil, "%s\n", l)
	}
	return fmt.Appendf(nil, "%s, and not read\n", l)
}

// what returns the rest of the report on a token that was read.
func (r scanReport) what(u *leak.Unverified) ([]byte, error) {
	if r.asJSON {
		return r.json(u)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i := range u.Layers {
		l := &u.Layers[i]
		if i > 0 {
			if l.PersonalCount() == 0 && l.Form == leak.JWE {
				continue
			}
			fmt.Fprintf(w, "  %s: ", l.Where)
		}
		r.describe(w, l)
	}
	for _, limit := range u.Limits {
		fmt.Fprintf(w, "    not read to the end: %s\n", limit)
	}
	w.Flush()
	return b.Bytes(), nil
}

// describe writes one layer. Its first line holds the form and the names of the personal claims,
// for users who search the report with grep.
func (r scanReport) describe(w *tabwriter.Writer, l *leak.Layer) {
	fmt.Fprintf(w, "%s, %s, %d characters: %s\n", l.Form, report.Kind(l), l.Length, r.exposure(l))
	r.members(w, "header", l.Header)
	r.members(w, "claims", l.Claims)
	switch {
	case l.Form == leak.JWS && l.SealedTo > 0:
		fmt.Fprintf(w, "    sealed claims for recipients: %d\n", l.SealedTo)
	case l.Text != "":
		what := "no JSON object"
		if l.CutOff != leak.Whole {
			what = "cut off"
		}
		line := fmt.Sprintf("    payload, %s  %s  %s", what, orMasked(r.payload(l)), report.Kinds("payload", l.Personal))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	w.Flush() // the columns of the next token are its own
}

// members writes one line for each member that is personal data, and one line for the others.
func (r scanReport) members(w *tabwriter.Writer, part string, members []leak.Member) {
	var rest []string
	for i := range members {
		m := &members[i]
		name, value := report.ShortName(m.Name), r.value(m, part == "header")
		switch {
		case len(m.Personal) > 0:
			fmt.Fprintf(w, "    %s %s\t%s\t%s\n", strings.TrimSuffix(part, "s"), name, orMasked(value), report.Kinds(name, m.Personal))
		case value != nil:
			if date := report.Date(m, r.now); date != "" {
				value = append(value, " "+date...)
			}
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

// exposure names the claims that are personal data.
func (r scanReport) exposure(l *leak.Layer) string {
	var names []string
	for _, list := range [][]leak.Member{l.Header, l.Claims} {
		for i := range list {
			if len(list[i].Personal) > 0 {
				names = report.AddName(names, report.ShortName(list[i].Name))
			}
		}
	}
	if len(l.Personal) > 0 {
		names = report.AddName(names, "payload")
	}
	if names == nil {
		return "no personal data found"
	}
	return r.strong("PERSONAL DATA") + " in " + strings.Join(names, ", ")
}

// value returns a member's value if it may be shown, and nil otherwise. A token in it is a
// credential, and is never printed.
func (r scanReport) value(m *leak.Member, inHeader bool) json.RawMessage {
	if r.showValues && !m.HoldsToken {
		return display(bytes.ToValidUTF8(m.Value, []byte("\uFFFD")))
	}
	var text string
	if inHeader && json.Unmarshal(m.Value, &text) == nil && slices.Contains(shownAnyway, text) {
		return display(m.Value)
	}
	return nil
}

// payload returns a payload without claims if it may be shown, and nil otherwise.
func (r scanReport) payload(l *leak.Layer) json.RawMessage {
	if !r.showValues || l.HoldsToken {
		return nil
	}
	return display(quotedJSON(l.Text))
}
