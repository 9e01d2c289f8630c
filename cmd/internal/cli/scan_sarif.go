package cli

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// The report is one run of SARIF 2.1.0 (OASIS), with one result for each token and each kind of
// personal data in it, and one for each limit that was reached. It names places and kinds, and
// holds no value and no token.
const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifLimit  = "limit-reached"
)

type (
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"` // nil: the whole file
	}
	sarifRegion struct {
		StartLine   int64 `json:"startLine"`
		StartColumn int64 `json:"startColumn"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		Help             sarifText `json:"help"`
	}
)

// sarifWriter writes each result at once, and the rules that the results name at the end. The order
// is free, because JSON members have none.
type sarifWriter struct {
	out   *bufio.Writer
	known map[string]bool
	rules []sarifRule
	some  bool // a result was written
	run   sarifRun
}

func newSarif(out *bufio.Writer) *sarifWriter {
	out.WriteString(`{"$schema":"` + sarifSchema + `","version":"2.1.0","runs":[{"columnKind":"utf16CodeUnits","results":[`) // the writer keeps its error
	return &sarifWriter{out: out, known: make(map[string]bool)}
}

// add writes the results of one token. u is nil where a limit was reached.
func (w *sarifWriter) add(at place, hit leak.Sighting, u *leak.Unverified) error {
	var list []sarifResult
	limit := func(text string) {
		list = append(list, w.result(sarifRule{sarifLimit, sarifText{"A limit was reached"}, sarifText{helpLimit}}, text))
		w.run.missed(text, located(at, hit.ColumnUTF16))
	}
	if u == nil {
		limit("not read: " + string(cmp.Or(hit.Limit, notUnderstood)))
	} else {
		list = w.kinds(u)
		for _, l := range u.Limits {
			limit("not read to the end: " + string(l))
		}
	}
	for _, r := range list {
		r.Locations = []sarifLocation{located(at, hit.ColumnUTF16)}
		if hit.Token != "" {
			// The hash of a whole token tells nothing. From the hash of a value a reader could
			// find the value by guessing.
			sum := sha256.Sum256([]byte(hit.Token))
			r.Fingerprints = map[string]string{"tokenHash/v1": hex.EncodeToString(sum[:])}
		}
		if w.some {
			w.out.WriteByte(',')
		}
		w.some = true
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := w.out.Write(console.PrintableJSON(text)); err != nil {
			return err
		}
	}
	return nil
}

// kinds returns one result for each kind of personal data in a token.
func (w *sarifWriter) kinds(u *leak.Unverified) (list []sarifResult) {
	var order []pii.Kind
	places := make(map[pii.Kind][]string)
	for i := range u.Layers {
		l := &u.Layers[i]
		note := func(found []pii.Finding) {
			for _, f := range found {
				if places[f.Kind] == nil {
					order = append(order, f.Kind)
				}
				places[f.Kind] = report.AddName(places[f.Kind], l.Where+": "+f.Path)
			}
		}
		for _, members := range [][]leak.Member{l.Header, l.Claims} {
			for j := range members {
				note(members[j].Personal)
			}
		}
		note(l.Personal)
	}
	for _, kind := range order {
		id := "readable-" + strings.NewReplacer(" ", "-", "e-mail", "email").Replace(strings.ToLower(string(kind)))
		rule := sarifRule{id, sarifText{"A token shows personal data: " + string(kind)}, sarifText{helpReadable}}
		list = append(list, w.result(rule, string(kind)+" (***) is readable without a key in "+strings.Join(places[kind], ", ")))
	}
	return list
}

// The help of the rules.
const (
	helpReadable = "Take it out of the token or seal it (sealjwt seal), and clean up this copy."
	helpLimit    = "This place may show personal data that the scan did not see. Unpack a compressed file, or look at the place by hand, and scan it again."
)

func (w *sarifWriter) result(rule sarifRule, message string) sarifResult {
	if !w.known[rule.ID] {
		w.known[rule.ID] = true
		w.rules = append(w.rules, rule)
	}
	return sarifResult{RuleID: rule.ID, Level: "warning", Message: sarifText{console.Printable(message)}}
}

// located returns the place of a token. The column is in UTF-16 code units, which columnKind says.
func located(at place, column int64) sarifLocation {
	l := wholeFile(at.File)
	l.Physical.Region = &sarifRegion{at.Line, column}
	return l
}

// wholeFile returns the place of a file.
func wholeFile(name string) (l sarifLocation) {
	switch {
	case name == "-":
		name = "stdin"
	case filepath.IsAbs(name):
		l.Physical.Artifact.URI = fileURI(filepath.ToSlash(filepath.Clean(name)))
		return l
	}
	relative := url.URL{Path: filepath.ToSlash(name)}
	l.Physical.Artifact.URI = relative.String()
	return l
}

// fileURI returns the URI of a clean absolute path with slashes (RFC 8089). A path of Windows
// begins with a drive letter, or with two slashes and a host (appendices E.2 and E.3).
func fileURI(path string) string {
	uri := url.URL{Scheme: "file", Path: path}
	if share, ok := strings.CutPrefix(path, "//"); ok {
		host, rest, _ := strings.Cut(share, "/")
		uri.Host, uri.Path = host, "/"+rest
	} else if !strings.HasPrefix(path, "/") {
		uri.Path = "/" + path
	}
	return uri.String()
}

func (w *sarifWriter) end() {
	rules, _ := json.Marshal(append([]sarifRule{}, w.rules...)) // texts only
	invocations, _ := json.Marshal([]sarifInvocation{w.run.invocation()})
	w.out.WriteString(`],"invocations":` + string(console.PrintableJSON(invocations)) +
		`,"tool":{"driver":{"name":"sealjwt","informationUri":"https://github.com/sealjwt/sealjwt","rules":` + string(rules) + "}}}]}\n")
}
