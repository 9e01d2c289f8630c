package main

import (
	"bytes"
	"encoding/json"

	"github.com/sealjwt/sealjwt/seal/pii"
)

// The JSON lines of scan: one object for each token.
type (
	exposedLine struct {
		Personal int            `json:"personal"` // how many pieces, in all layers
		Layers   []exposedLayer `json:"layers"`
	}
	exposedLayer struct {
		Where    string          `json:"where"`
		Kind     string          `json:"kind"`
		Unsigned bool            `json:"unsigned,omitempty"` // of a JWS; nothing is verified of the others
		CutOff   string          `json:"cut_off,omitempty"`  // of a JWS without a third part: signature or payload
		Length   int             `json:"length"`
		Header   []exposedMember `json:"header"`
		Claims   []exposedMember `json:"claims,omitempty"`
		Payload  *exposedMember  `json:"payload,omitempty"` // without claims
		SealedTo int             `json:"sealed_to,omitempty"`
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

func (r scanReport) json(list []*exposed) ([]byte, error) {
	var line exposedLine
	for _, e := range list {
		line.Personal += e.findings()
		line.Layers = append(line.Layers, r.layer(e))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return nil, err
	}
	text := printable(string(bytes.TrimRight(b.Bytes(), "\n")))
	return []byte(text[1:] + "\n"), nil // the place stands before it
}

func (r scanReport) layer(e *exposed) exposedLayer {
	l := exposedLayer{Where: e.where, Kind: e.kind, Unsigned: e.unsigned, CutOff: e.cutOff, Length: e.length, SealedTo: e.sealedTo,
		Header: []exposedMember{}}
	for _, m := range e.header {
		l.Header = append(l.Header, r.line(m, true))
	}
	for _, m := range e.claims {
		l.Claims = append(l.Claims, r.line(m, false))
	}
	if e.text != "" {
		l.Payload = &exposedMember{"payload", r.payload(e), findingLines(e.personal)}
	}
	return l
}

func (r scanReport) line(m *member, inHeader bool) exposedMember {
	return exposedMember{jsonName(m.name), r.value(m, inHeader), findingLines(m.personal)}
}

// jsonName is a name as it is, for programs, and left out if it is personal data or a
// credential itself.
func jsonName(name string) string {
	if _, personal := pii.InText(name); personal {
		return pii.RedactedName
	}
	if _, rest := tokensIn("", name, nil); rest != name {
		return pii.RedactedName
	}
	return name
}

func findingLines(personal []pii.Finding) []exposedFinding {
	var lines []exposedFinding
	for _, f := range personal {
		lines = append(lines, exposedFinding{f.Path, f.Kind})
	}
	return lines
}
