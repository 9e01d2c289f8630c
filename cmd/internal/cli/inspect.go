package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// maxInspected is the longest text that inspect must be able to read. ReadAnyText reads twice as
// many bytes, for a text in UTF-16. Open takes far less, and inspect must show why open refuses a
// token.
const maxInspected = 1 << 20

func (a *App) inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect [FILE|-]",
		Short: "Show what a stranger reads in a token, without any key",
		Long: `Shows every layer of a token that can be read without a key: headers, sizes, and
the claims of a token that is only signed, among them the visible ones of a
selective token and the disclosures of an SD-JWT. The token may be spelled in any
way that a careless reader takes; inspect says why open refuses the spelling or header.
Claims that look like personal data are marked. Nothing of it is verified.

With -o html the result is one file for a browser, or for a ticket. It holds the claims,
and neither signature nor ciphertext, so it does not pass for the token.`,
		Example: `  sealjwt seal --init --iss https://id.example.com --aud https://api.example.com claims.json | sealjwt inspect
  sealjwt inspect -o html token >report.html`,
		Args: oneInput,
	}
	output := addOutput(cmd, "html")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		in, err := a.ReadAnyText(args, maxInspected)
		if errors.Is(err, console.ErrTooLong) {
			return &console.Failure{Err: err, Code: console.ExitNotAuthentic, Advice: "that is not a token; " + findTokens, Verb: "scan"}
		}
		if err != nil {
			return inFolder(err, args)
		}
		u, err := leak.Read(string(in.Data))
		if err != nil {
			return noToken(in.Data, err)
		}
		switch output.value {
		case "json":
			return a.PrintJSON(inspected(u))
		case "html":
			return a.printHTML(func(w io.Writer) error { return report.Token(w, u, time.Now()) })
		}
		return a.Print(describer{time.Now(), a.Strong()}.layers(u))
	}
	return cmd
}

const findTokens = "to find tokens in a text use"

// noToken says why a text is not a token, and which verb finds tokens in it.
func noToken(text []byte, err error) error {
	f := &console.Failure{Err: open.ErrMalformed, Advice: err.Error()}
	if len(bytes.TrimSpace(text)) > 0 {
		f.Advice, f.Verb = f.Advice+"; "+findTokens, "scan"
	}
	return f
}

// inFolder adds to the error for a folder which verb finds tokens in its files.
func inFolder(err error, args []string) error {
	if len(args) == 0 {
		return err
	}
	if info, broken := os.Stat(args[0]); broken == nil && info.IsDir() {
		return &console.Failure{Err: err, Advice: findTokens, Verb: "scan " + shellWord(args[0])}
	}
	return err
}

// describer writes what a person can read about a token.
type describer struct {
	now    time.Time                // with which dates are compared
	strong func(text string) string // makes words stand out that the reader must not overlook
}

func (d describer) layers(u *leak.Unverified) []byte {
	var b bytes.Buffer
	b.WriteString(d.strong("NOT VERIFIED") + ": what a stranger reads, without any key. Nothing here has been checked.\n")
	for i := range u.Layers {
		b.WriteByte('\n')
		d.layer(&b, u, i)
	}
	for _, limit := range u.Limits {
		fmt.Fprintf(&b, "\n%s: %s\n", d.strong("NOT READ TO THE END"), limit)
	}
	return b.Bytes()
}

func (d describer) layer(b *bytes.Buffer, u *leak.Unverified, i int) {
	l := &u.Layers[i]
	fmt.Fprintf(b, "%s: %s, %s, %d characters\n%s", console.Printable(l.Where), l.Form, report.Protection(l), l.Length, summaryLine(l))
	for _, fault := range report.Refused(l) {
		fmt.Fprintf(b, "  open refuses it: %s\n", fault)
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	if l.Form != leak.Disclosures {
		fmt.Fprintln(w, "  header")
		d.members(w, l.Header, "")
		w.Flush()
		fmt.Fprintf(b, "  sizes in bytes: %s\n", sizes(l))
	}
	if l.Form == leak.JWE {
		b.WriteString("  claims: encrypted, not readable without the recipient's key\n")
		return
	}
	if l.HasClaims || l.Claims != nil {
		b.WriteString("  claims: every holder of this token can read them\n")
		d.members(w, l.Claims, report.SealedNote(u, i))
		w.Flush()
	}
	switch {
	case l.HasClaims:
	case l.Binary || l.Text == "":
		b.WriteString("  payload: neither claims nor text\n")
	default:
		note := ""
		if len(l.Personal) > 0 {
			note = "  " + d.strong("personal") + ": " + report.Kinds("payload", l.Personal)
		}
		text := strconv.QuoteToGraphic(l.Text)
		if l.HoldsToken {
			text = string(displayValue(quotedJSON(l.Text), true))
		}
		fmt.Fprintf(b, "  payload: no claims, but readable without a key: %s%s\n", text, note)
	}
}

// members lists the header or the claims. The note stands for the value of sealed.
func (d describer) members(w *tabwriter.Writer, list []leak.Member, sealed string) {
	for i := range list {
		m := &list[i]
		text, note := string(displayValue(m.Value, m.HoldsToken)), ""
		if sealed != "" && m.Name == "sealed" {
			text = sealed
		}
		if date := report.Date(m, d.now); date != "" {
			note = "  " + date
		}
		if len(m.Personal) > 0 {
			note += "  " + d.strong("personal") + ": " + report.Kinds(report.ShortName(m.Name), m.Personal)
		}
		fmt.Fprintf(w, "    %s\t%s%s\n", bareName(report.Name(m.Name, m.HoldsToken)), text, note)
	}
}

func sizes(l *leak.Layer) string {
	var list []string
	for _, s := range l.Sizes {
		list = append(list, fmt.Sprintf("%s %d", strings.ReplaceAll(s.Part, "_", " "), s.Bytes))
	}
	return strings.Join(list, ", ")
}

func summaryLine(l *leak.Layer) string {
	if text := report.Summary(l); text != "" {
		return "  " + text + "\n"
	}
	return ""
}
