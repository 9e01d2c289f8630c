// Package report renders HTML for a browser or a ticket: what a stranger reads in one token, and
// the timeline of the keys of a ring.
//
// A report is one file. It needs no script, and its Content-Security-Policy allows no request
// and no script. No value of a token becomes a link or markup. Characters that a reader cannot
// see stand as escapes. A report holds claims, because a reader wants to see them. It holds
// neither a signature nor a ciphertext, so it does not pass for the token.
//
// The functions are safe for concurrent use. Times come in as parameters.
package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"time"

	"github.com/sealjwt/sealjwt/seal/leak"
)

//go:embed style.css frame.html token.html keys.html
var files embed.FS

//go:embed style.css
var style string

var templates = template.Must(template.New("").ParseFS(files, "*.html"))

// Style returns the style sheet of all reports.
func Style() string { return style }

// Hash returns the source that a Content-Security-Policy names to allow one inline style sheet
// or script (CSP Level 3 section 2.3.1).
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// frame is a whole file around one report.
type frame struct {
	Title, Brand, Heading string
	Policy                string
	Style                 template.CSS
	Made                  moment
	Body                  template.HTML
}

// Token writes the report of one token as a file. The dates are compared with now.
func Token(w io.Writer, u *leak.Unverified, now time.Time) error {
	return file(w, frame{Title: "NOT VERIFIED: what a stranger reads in a token", Brand: "sealjwt inspect", Heading: "Report of one token"}, now,
		func(b *bytes.Buffer) error { return Fragment(b, u, now) })
}

// Fragment writes the report of one token as a part of another page, which has the style sheet
// of [Style]. Its headings begin with h2.
func Fragment(w io.Writer, u *leak.Unverified, now time.Time) error {
	return templates.ExecuteTemplate(w, "token.html", newTokenView(u, now))
}

// file writes a file around a body.
func file(w io.Writer, f frame, now time.Time, body func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	if err := body(&b); err != nil {
		return err
	}
	f.Policy = "default-src 'none'; style-src " + Hash(style) + "; base-uri 'none'; form-action 'none'"
	f.Style, f.Body = template.CSS(style), template.HTML(b.String()) // made by templates, which escape
	f.Made = momentOf(now, now)
	return templates.ExecuteTemplate(w, "frame.html", f)
}
