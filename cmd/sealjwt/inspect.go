package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
)

// maxInspected is the longest token in bytes that inspect reads: far beyond what
// open takes, since whoever inspects wants to know why it was refused.
const maxInspected = 1 << 20

func (a *app) inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect [FILE|-]",
		Short: "Show what a stranger reads in a token, without any key",
		Long: `Shows every layer of a token that can be read without a key: headers, sizes, and
the claims of a token that is only signed, among them the visible ones of a
selective token. Claims that look like personal data are marked. Nothing of it is
verified.`,
		Example: `  sealjwt seal --init claims.json | sealjwt inspect`,
		Args:    oneInput,
	}
	output := addOutput(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		in, err := a.read(args, maxInspected)
		if errors.Is(err, errTooLong) {
			return &failure{err: err, code: exitNotAuthentic, advice: "that is no token"}
		}
		if err != nil {
			return err
		}
		layers, err := readLayers(string(in.data))
		if err != nil {
			return &failure{err: open.ErrMalformed, advice: err.Error()}
		}
		if output.value == "json" {
			return a.printJSON(struct {
				Verified bool     `json:"verified"` // never
				Layers   []*layer `json:"layers"`
			}{false, layers})
		}
		return a.print(describeLayers(layers))
	}
	return cmd
}

func describeLayers(layers []*layer) []byte {
	var b bytes.Buffer
	b.WriteString("NOT VERIFIED: what a stranger reads, without any key. Nothing here has been checked.\n")
	for _, l := range layers {
		b.WriteByte('\n')
		l.describe(&b)
	}
	return b.Bytes()
}

func (l *layer) describe(b *bytes.Buffer) {
	kind := "JWS, signed and not encrypted"
	switch {
	case l.Kind == "JWE":
		kind = "JWE, encrypted"
	case l.isUnsigned():
		kind = "JWS, NOT SIGNED and not encrypted: anybody can have written it"
	}
	fmt.Fprintf(b, "%s: %s, %d characters\n%s", l.Where, kind, l.Length, l.summary())
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  header")
	l.members(w, l.header, l.Kind == "JWE")
	w.Flush()
	fmt.Fprintf(b, "  sizes in bytes: %s\n", l.sizes())
	switch {
	case l.Kind == "JWE":
		b.WriteString("  claims: encrypted, not readable without the recipient's key\n")
	case l.Claims != nil:
		b.WriteString("  claims: anybody who has this token reads them\n")
		l.members(w, l.claims, true)
		w.Flush()
	case l.Text != nil:
		fmt.Fprintf(b, "  payload: no claims, but anybody reads it: %s\n", strconv.QuoteToGraphic(*l.Text))
	default:
		b.WriteString("  payload: neither claims nor text\n")
	}
}

// isUnsigned: alg none is spelled in all cases of letters by those who hope that
// somebody takes it.
func (l *layer) isUnsigned() bool {
	alg, _, _ := l.header.Text("alg")
	return strings.EqualFold(alg, "none") || l.Parts["signature"] == 0
}

// members lists the header or the claims. What is personal in it is marked in one of
// them only: the one that holds claims.
func (l *layer) members(w *tabwriter.Writer, o strict.Object, mark bool) {
	for name, value := range o.All() {
		text, note := string(display(value)), ""
		if mark {
			note = l.personalNote(name)
		}
		if l.SealedTo > 0 && name == "sealed" {
			text = l.sealedNote()
		}
		fmt.Fprintf(w, "    %s\t%s%s\n", bareName(name), text, note)
	}
}

func (l *layer) sizes() string {
	names := partNames[len(l.Parts)]
	sizes := make([]string, len(names))
	for i, name := range names {
		sizes[i] = fmt.Sprintf("%s %d", strings.ReplaceAll(name, "_", " "), l.Parts[name])
	}
	return strings.Join(sizes, ", ")
}

// MarshalJSON writes the text of a payload so that a terminal may show it.
func (l *layer) MarshalJSON() ([]byte, error) {
	type bare layer
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode((*bare)(l)); err != nil {
		return nil, err
	}
	return display(b.Bytes()), nil
}
