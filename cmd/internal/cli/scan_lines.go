package cli

import (
	"bytes"
	"encoding/json"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// The JSON lines of scan: one object for each token.
type (
	exposedLine struct {
		Personal int            `json:"personal"` // the number of pieces of personal data, in all layers
		Layers   []exposedLayer `json:"layers"`
		Limits   []leak.Limit   `json:"limits,omitempty"` // that were reached
	}
	exposedLayer struct {
		Where    string          `json:"where"`
		Kind     leak.Form       `json:"kind"`
		Unsigned bool            `json:"unsigned,omitempty"` // a JWS without a signature; other signatures are not verified
		CutOff   leak.Cut        `json:"cut_off,omitempty"`  // where a JWS breaks off: signature or payload
		Length   int             `json:"length"`
		Header   []exposedMember `json:"header"`
		Claims   []exposedMember `json:"claims,omitempty"`
		Payload  *exposedMember  `json:"payload,omitempty"` // of a layer whose payload is not one JSON object
		SealedTo int             `json:"sealed_to,omitempty"`
		Faults   []string        `json:"faults,omitempty"` // why open refuses the spelling
	}
	exposedMember struct {
		Name     string           `json:"name"`
		Value    json.RawMessage  `json:"value,omitempty"`
		Personal []exposedFinding `json:"personal,omitempty"`
	}
	exposedFinding struct {
		Path string   `json:"path"`
		Kind pii.Kind `json:"kind"`
	}
)

func (r scanReport) json(u *leak.Unverified) ([]byte, error) {
	line := exposedLine{Personal: u.Personal(), Limits: u.Limits}
	for i := range u.Layers {
		line.Layers = append(line.Layers, r.layer(&u.Layers[i]))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return nil, err
	}
	text := console.Printable(string(bytes.TrimRight(b.Bytes(), "\n")))
	return []byte(text[1:] + "\n"), nil // the place with its { stands before it: see at
}

func (r scanReport) layer(e *leak.Layer) exposedLayer {
	l := exposedLayer{Where: e.Where, Kind: e.Form, Unsigned: e.Unsigned, CutOff: e.CutOff, Length: e.Length, Faults: e.Faults,
		Header: []exposedMember{}}
	if e.Form == leak.JWS || e.SealedTo > 1 {
		l.SealedTo = e.SealedTo
	}
	for i := range e.Header {
		l.Header = append(l.Header, r.line(&e.Header[i], true))
	}
	for i := range e.Claims {
		l.Claims = append(l.Claims, r.line(&e.Claims[i], false))
	}
	if e.Text != "" {
		l.Payload = &exposedMember{"payload", r.payload(e), findingLines(e.Personal)}
	}
	return l
}

func (r scanReport) line(m *leak.Member, inHeader bool) exposedMember {
	return exposedMember{jsonName(m), r.value(m, inHeader), findingLines(m.Personal)}
}

// jsonName returns the name of a member, unchanged for programs. For a name that is itself personal
// data or a token it returns pii.RedactedName.
func jsonName(m *leak.Member) string {
	if _, personal := pii.InText(m.Name); personal {
		return pii.RedactedName
	}
	if m.HoldsToken {
		if _, err := leak.Read(m.Name); err == nil {
			return pii.RedactedName
		}
	}
	return m.Name
}

func findingLines(personal []pii.Finding) []exposedFinding {
	var lines []exposedFinding
	for _, f := range personal {
		lines = append(lines, exposedFinding{f.Path, f.Kind})
	}
	return lines
}
