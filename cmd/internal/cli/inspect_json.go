package cli

import (
	"encoding/json"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// The JSON of inspect.
type (
	inspectedToken struct {
		Verified bool             `json:"verified"` // always false
		Layers   []inspectedLayer `json:"layers"`
		Limits   []leak.Limit     `json:"limits,omitempty"`
	}
	inspectedLayer struct {
		Where    string           `json:"where"` // token, or the place of an inner one, such as token claim act
		Kind     leak.Form        `json:"kind"`
		Length   int              `json:"length"`
		Header   json.RawMessage  `json:"header,omitempty"`
		Parts    map[string]int   `json:"parts"`             // name to size in bytes, decoded
		Claims   json.RawMessage  `json:"claims,omitempty"`  // not of a JWE, whose claims are encrypted
		Text     json.RawMessage  `json:"payload,omitempty"` // of a layer without claims, if it is text
		SealedTo int              `json:"sealed_to,omitempty"`
		Bound    *bool            `json:"bound,omitempty"`    // of a JWE in a selective token: names its iss and jti
		CutOff   leak.Cut         `json:"cut_off,omitempty"`  // where a JWS breaks off
		Personal []exposedFinding `json:"personal,omitempty"` // the personal data in header, claims and text
		Faults   []string         `json:"faults,omitempty"`   // why open refuses the spelling or the header
	}
)

func inspected(u *leak.Unverified) inspectedToken {
	all := inspectedToken{Limits: u.Limits}
	for i := range u.Layers {
		all.Layers = append(all.Layers, inspectedOf(&u.Layers[i]))
	}
	return all
}

// inspectedOf returns the JSON of one layer. A name that occurs twice in a header or in claims
// occurs twice in the JSON.
func inspectedOf(l *leak.Layer) inspectedLayer {
	out := inspectedLayer{
		Where: console.Printable(l.Where), Kind: l.Form, Length: l.Length, Parts: make(map[string]int),
		Bound: l.Bound, CutOff: l.CutOff, Faults: report.Refused(l),
	}
	if l.Form != leak.Disclosures {
		out.Header = displayMembers(l.Header, false)
	}
	for _, s := range l.Sizes {
		out.Parts[s.Part] = s.Bytes
	}
	if l.Form == leak.JWS || l.SealedTo > 1 {
		out.SealedTo = l.SealedTo
	}
	if l.HasClaims || l.Claims != nil {
		out.Claims = displayMembers(l.Claims, l.Form == leak.JWS && l.SealedTo > 0)
	}
	if !l.HasClaims && l.Text != "" && !l.Binary {
		out.Text = displayValue(quotedJSON(l.Text), l.HoldsToken)
	}
	var personal []pii.Finding
	for _, list := range [][]leak.Member{l.Header, l.Claims} {
		for i := range list {
			personal = append(personal, list[i].Personal...)
		}
	}
	out.Personal = findingLines(append(personal, l.Personal...))
	return out
}
