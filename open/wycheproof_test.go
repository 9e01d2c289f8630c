package open

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// wycheproofFile is the format of the JOSE files of Wycheproof. A vector has one token, and a group
// has the key for it. jws and jwe are a JSON object if the vector is not a compact token.
type wycheproofFile struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []wycheproofGroup
}

type wycheproofGroup struct {
	Comment         string
	Private, Public json.RawMessage // a JWK or a JWK Set; a secret has no public one
	Tests           []wycheproofVector
}

type wycheproofVector struct {
	ID      int `json:"tcId"`
	Comment string
	Jws     json.RawMessage
	Jwe     json.RawMessage
	Pt      *string // hex
	Result  string
}

// token returns the text that is opened.
func (v wycheproofVector) token() string {
	raw := v.Jws
	if raw == nil {
		raw = v.Jwe
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// wycheproofFiles lists the JOSE files with the number of their vectors.
var wycheproofFiles = []struct {
	name  string
	tests int
}{{"json_web_signature", 401}, {"json_web_encryption", 139}, {"json_web_key", 26}, {"json_web_crypto", 83}}

// wycheproofExceptions are two vectors of json_web_signature with a wrong label: they are valid,
// with PS384 under a key whose alg is PS256.
var wycheproofExceptions = []int{346, 350}

// isException reports whether a vector is one of the exceptions and has their form.
func (v wycheproofVector) isException(file string, g wycheproofGroup) bool {
	var key struct{ Alg string }
	return file == "json_web_signature" && slices.Contains(wycheproofExceptions, v.ID) &&
		json.Unmarshal(g.Public, &key) == nil && key.Alg == "PS256" && strings.Contains(headerText(v.token()), `"alg":"PS384"`)
}

// wycheproofCount counts the results of the vectors of a file.
type wycheproofCount struct {
	accepted, refused int // in agreement with their labels
	exceptions        int
	notOffered        int // refused, whatever the label says
}

func (c wycheproofCount) String() string {
	return fmt.Sprintf("%d accepted and %d refused as labelled, %d exceptions; %d for what is not offered, all refused",
		c.accepted, c.refused, c.exceptions, c.notOffered)
}

// TestWycheproof decides all JOSE vectors of Wycheproof at the layer under Open. The vectors are
// too large for this module's dependencies, so testdata/peers has them.
func TestWycheproof(t *testing.T) {
	folder := os.Getenv("SEALJWT_WYCHEPROOF")
	if folder == "" {
		t.Skip("SEALJWT_WYCHEPROOF names no folder with the vectors; go test -run TestWycheproof in testdata/peers does")
	}
	for _, f := range wycheproofFiles {
		data, err := os.ReadFile(filepath.Join(folder, f.name+"_test.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file wycheproofFile
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		var count wycheproofCount
		tests := 0
		for _, g := range file.TestGroups {
			for _, v := range g.Tests {
				tests++
				count.add(t, f.name, g, v)
			}
		}
		if tests != f.tests || tests != file.NumberOfTests {
			t.Errorf("%s has %d vectors, and says %d; want %d", f.name, tests, file.NumberOfTests, f.tests)
		}
		t.Logf("%-19s %3d vectors: %v", f.name, tests, count)
	}
}

func (c *wycheproofCount) add(t *testing.T, file string, g wycheproofGroup, v wycheproofVector) {
	t.Helper()
	name := fmt.Sprintf("%s tc%d (%s, %s)", file, v.ID, g.Comment, v.Comment)
	valid := v.Result == "valid"
	if !valid && v.Result != "invalid" {
		t.Errorf("%s is labelled %q", name, v.Result)
	}
	content, offered, err := decide(t, g, v)
	if err == nil && v.Pt != nil && hex.EncodeToString(content) != *v.Pt {
		t.Errorf("%s has another plaintext", name)
	}
	switch excepted := v.isException(file, g); {
	case !offered && err == nil:
		t.Errorf("%s is not offered, and accepted", name)
	case !offered:
		c.notOffered++
	case excepted && valid && err != nil:
		c.exceptions++
	case excepted || valid != (err == nil):
		t.Errorf("%s is %s, and the result is: %v (exception: %v)", name, v.Result, err, excepted)
	case valid:
		c.accepted++
	default:
		c.refused++
	}
}

// decide opens the token of a vector, and reports whether its key and its content encryption are
// offered.
func decide(t *testing.T, g wycheproofGroup, v wycheproofVector) (content []byte, offered bool, err error) {
	if v.Jwe != nil {
		l := newLayer(g.Private, "", keys.UseEnc)
		content, err = l.decrypt(t, v.token())
		return content, l.offered() && !strings.Contains(headerText(v.token()), `"enc":"A192`), err
	}
	jwks := g.Public
	if jwks == nil {
		jwks = g.Private
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(jwks, &set); err != nil || set.Keys == nil {
		jwks = fmt.Appendf(nil, `{"keys":[%s]}`, jwks)
	}
	l := newVerifier(jwks)
	content, err = l.verify(t, v.token())
	return content, l.offered() && !allSecret(jwks), err
}

// offered reports whether package keys offers the algorithm of the key. It may refuse the key for
// another reason.
func (l layer) offered() bool { return !errors.Is(l.refusal, keys.ErrUnsupported) }

// headerText returns the first header of a token, or an empty text.
func headerText(token string) string {
	first, _, _ := strings.Cut(token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(first)
	return string(header)
}

// allSecret reports whether all keys of a JWK Set are secrets for MACs, which are not offered.
// Package keys first complains that they are not public keys.
func allSecret(jwks []byte) bool {
	var set struct{ Keys []struct{ Kty string } }
	return json.Unmarshal(jwks, &set) == nil &&
		!slices.ContainsFunc(set.Keys, func(k struct{ Kty string }) bool { return k.Kty != "oct" })
}
