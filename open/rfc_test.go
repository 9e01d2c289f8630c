package open

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// rfcFile has the examples of one RFC. If this library refuses one, the file names the error and
// the reason.
type rfcFile struct {
	Source      string          `json:"source"`
	Tokens      []rfcToken      `json:"tokens"`
	Sets        []rfcSet        `json:"sets"`
	Thumbprints []rfcThumbprint `json:"thumbprints"`
	Contents    []rfcContent    `json:"contents"`
	Agreements  []rfcAgreement  `json:"agreements"`
}

// refusal describes how this library refuses an example.
type refusal struct {
	Class  string `json:"class"`  // name of the error
	Detail string `json:"detail"` // a part of what an Error's Detail says
	Why    string `json:"why"`    // for people
}

// rfcSections lists the examples that must be there.
var rfcSections = map[string][]string{
	"rfc7515": {"A.1", "A.2", "A.3", "A.4", "A.5"},
	"rfc7516": {"A.1", "A.2", "A.3"},
	"rfc7517": {"A.1", "A.2", "A.3", "B", "C"},
	"rfc7518": {"B.1", "B.2", "B.3", "C"},
	"rfc7519": {"A.1", "A.2"},
	"rfc7520": {"4.1", "4.2", "4.3", "4.4", "4.5", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "6"},
	"rfc7638": {"3.1"},
	"rfc8037": {"A.1", "A.2", "A.3", "A.4", "A.6"},
}

const rfcFolder = "../testdata/rfc"

// rfcFiles reads all files. Their names have no .json.
func rfcFiles(t *testing.T) map[string]rfcFile {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(rfcFolder, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples in %s (%v)", rfcFolder, err)
	}
	all := make(map[string]rfcFile)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		var f rfcFile
		if err := dec.Decode(&f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".json")] = f
	}
	return all
}

// sections returns the sections of a file, one for each example.
func (f rfcFile) sections() []string {
	var all []string
	for _, e := range f.Tokens {
		all = append(all, e.Section)
	}
	for _, e := range f.Sets {
		all = append(all, e.Section)
	}
	for _, e := range f.Thumbprints {
		all = append(all, e.Section)
	}
	for _, e := range f.Contents {
		all = append(all, e.Section)
	}
	for _, e := range f.Agreements {
		all = append(all, e.Section)
	}
	slices.Sort(all)
	return all
}

func TestRFCSections(t *testing.T) {
	t.Parallel()
	files := rfcFiles(t)
	for name, want := range rfcSections {
		f, ok := files[name]
		if got := f.sections(); !ok || !slices.Equal(got, want) {
			t.Errorf("%s has the sections %q, want %q", name, got, want)
		}
		delete(files, name)
	}
	for name := range files {
		t.Errorf("%s is not in the list of this test", name)
	}
}

// check compares an error with a refusal. A nil r stands for none.
func (r *refusal) check(t *testing.T, err error) {
	t.Helper()
	if r == nil {
		if err != nil {
			t.Errorf("refused: %s", detailOf(err))
		}
		return
	}
	class, known := map[string]error{
		"ErrMalformed": ErrMalformed, "ErrAlgorithm": ErrAlgorithm, "ErrUnknownKey": ErrUnknownKey, "ErrType": ErrType,
		"keys.ErrUnsupported": keys.ErrUnsupported, "keys.ErrPrivateKey": keys.ErrPrivateKey,
	}[r.Class]
	if !known || r.Why == "" {
		t.Fatalf("a refusal with the class %q, because: %q", r.Class, r.Why)
	}
	if !errors.Is(err, class) || !strings.Contains(detailOf(err), r.Detail) {
		t.Errorf("refused with: %s\nwant %s: %s", detailOf(err), r.Class, r.Detail)
	}
}

func detailOf(err error) string {
	var e *Error
	switch {
	case err == nil:
		return "nothing"
	case errors.As(err, &e):
		return e.Detail()
	}
	return err.Error()
}
