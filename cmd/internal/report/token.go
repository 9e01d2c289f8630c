package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// tokenView is what token.html shows.
type tokenView struct {
	Layers   int
	Personal int
	Readers  []reader
	Each     []*layerView
	Limits   []leak.Limit
}

// Gist returns the result in one sentence.
func (v tokenView) Gist() string {
	what := "No personal data was found in what stands readable"
	if v.Personal > 0 {
		what = console.Count(int64(v.Personal), "piece") + " of personal data stand readable"
		if v.Personal == 1 {
			what = "1 piece of personal data stands readable"
		}
	}
	switch {
	case len(v.Limits) > 0:
		what += ", and not all was read"
	case v.Layers > 1:
		what += fmt.Sprintf(", in %d layers", v.Layers)
	}
	return what + "."
}

type layerView struct {
	ID       string // the anchor of its heading
	Where    string
	Form     leak.Form
	Kind     string
	Length   string
	Summary  string
	Sealed   bool
	Unsigned bool
	Faults   []string
	Parts    []part

	HasHeader bool
	Header    []memberView
	HasClaims bool // also for claims that break off
	Claims    []memberView
	Payload   string // what the payload is if it is not claims
	Text      *memberView
}

// table is the members of one part.
type table struct {
	Caption string
	Rows    []memberView
}

// HeaderTable returns the members of the header.
func (l *layerView) HeaderTable() table { return table{"Header of " + l.Where, l.Header} }

// ClaimsTable returns the claims.
func (l *layerView) ClaimsTable() table { return table{"Claims of " + l.Where, l.Claims} }

// TextTable returns the payload as one member.
func (l *layerView) TextTable() table { return table{"Payload of " + l.Where, []memberView{*l.Text}} }

// part is one part of a token in the strip of its layer.
type part struct {
	Name  string
	Class string // of its colour
	Bytes int
	X, W  string // in percent of the strip
}

type memberView struct {
	Name, Value string
	Left        int    // bytes of the value that are left out
	At          moment // the date in the claim, if it holds one
	Personal    string // the kinds of personal data in it
	HoldsToken  bool
}

func newTokenView(u *leak.Unverified, now time.Time) tokenView {
	v := tokenView{Layers: len(u.Layers), Personal: u.Personal(), Limits: u.Limits}
	for i := range u.Layers {
		l := newLayerView(u, i, now)
		v.Each = append(v.Each, l)
		v.Readers = append(v.Readers, readersOf(&u.Layers[i], l)...)
	}
	return v
}

func newLayerView(u *leak.Unverified, i int, now time.Time) *layerView {
	l := &u.Layers[i]
	v := &layerView{
		ID: fmt.Sprintf("layer-%d", i+1), Where: console.Printable(l.Where), Form: l.Form, Kind: Protection(l), Length: console.Count(int64(l.Length), "character"),
		Summary: Summary(l), Sealed: l.Form == leak.JWE, Unsigned: l.Unsigned && l.CutOff == leak.Whole, Faults: Refused(l), Parts: partsOf(l),
		HasHeader: l.Form != leak.Disclosures, HasClaims: l.Form != leak.JWE && (l.HasClaims || l.Claims != nil),
	}
	if v.HasHeader {
		v.Header = membersOf(l.Header, "", now)
	}
	if v.HasClaims {
		v.Claims = membersOf(l.Claims, SealedNote(u, i), now)
	}
	switch {
	case l.HasClaims || v.Sealed:
	case l.Binary || l.Text == "":
		v.Payload = "neither claims nor text"
	default:
		v.Payload = "no claims, but readable without a key"
		v.Text = &memberView{Name: "payload", HoldsToken: l.HoldsToken}
		v.Text.Value, v.Text.Left = value(quotedJSON(l.Text), l.HoldsToken)
		if len(l.Personal) > 0 {
			v.Text.Personal = Kinds("payload", l.Personal)
		}
	}
	return v
}

// membersOf returns the members of a header or of claims for the page. A text sealed that is not
// empty stands in place of the value of the member named sealed.
func membersOf(list []leak.Member, sealed string, now time.Time) []memberView {
	var views []memberView
	for i := range list {
		m := &list[i]
		v := memberView{Name: bareName(m.Name, m.HoldsToken), HoldsToken: m.HoldsToken}
		if sealed != "" && m.Name == "sealed" {
			v.Value, v.HoldsToken = sealed, false
		} else {
			v.Value, v.Left = value(m.Value, m.HoldsToken)
		}
		v.At, _ = dateOf(m, now)
		if len(m.Personal) > 0 {
			v.Personal = Kinds(ShortName(m.Name), m.Personal)
		}
		views = append(views, v)
	}
	return views
}

// classes are the classes that give parts of a token their colours. All other parts have the
// colour of minor parts.
var classes = map[string]string{"header": "header", "payload": "payload", "signature": "signature", "ciphertext": "cipher"}

// partsOf returns the parts of a layer. A small part stays wide enough to be seen.
func partsOf(l *leak.Layer) []part {
	const least = 2.0 // percent
	total, shown, x := 0, 0.0, 0.0
	for _, s := range l.Sizes {
		total += s.Bytes
		if s.Bytes > 0 {
			shown++
		}
	}
	var parts []part
	for _, s := range l.Sizes {
		class, known := classes[s.Part]
		if !known {
			class = "minor"
		}
		w := 0.0
		if s.Bytes > 0 {
			w = least + (100-least*shown)*float64(s.Bytes)/float64(total)
		}
		parts = append(parts, part{strings.ReplaceAll(s.Part, "_", " "), class, s.Bytes, percent(x), percent(w)})
		x += w
	}
	return parts
}

func percent(f float64) string { return fmt.Sprintf("%.2f%%", f) }
