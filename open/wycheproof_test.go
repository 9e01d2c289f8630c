package open

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// wycheproofFile is the form of the JOSE files of Wycheproof. A vector is one token,
// and a group the key for it; jws and jwe are a JSON object where the token is none.
type wycheproofFile struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []wycheproofGroup
}

type wycheproofGroup struct {
	Comment         string
	Private, Public json.RawMessage // a JWK or a JWK Set; only private if there is but a secret
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

// token is the text that is opened.
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

// wycheproofFiles are the JOSE files and how many vectors each has.
var wycheproofFiles = []struct {
	name  string
	tests int
}{{"json_web_signature", 401}, {"json_web_encryption", 139}, {"json_web_key", 26}, {"json_web_crypto", 83}}

// wycheproofExceptions are the vectors of json_web_signature that nobody can decide as
// they are labelled, or ought to, with the reason as a check of the data.
var wycheproofExceptions = map[int]struct {
	why   string
	holds func(v wycheproofVector, g wycheproofGroup) bool
}{
	367: {"labelled invalid, but byte for byte the valid 357", sameAs357},
	370: {"labelled invalid, but byte for byte the valid 357", sameAs357},
	372: {"labelled valid, with a ? inside base64url", hasQuestionMark},
	373: {"labelled valid, with a ? inside base64url", hasQuestionMark},
	346: {"labelled valid, with PS384 under a key whose alg is PS256", underPS256},
	350: {"labelled valid, with PS384 under a key whose alg is PS256", underPS256},
}

func sameAs357(v wycheproofVector, g wycheproofGroup) bool {
	for _, other := range g.Tests {
		if other.ID == 357 {
			return other.Result == "valid" && v.Result == "invalid" && other.token() == v.token()
		}
	}
	return false
}

func hasQuestionMark(v wycheproofVector, _ wycheproofGroup) bool {
	return v.Result == "valid" && strings.Contains(v.token(), "?")
}

func underPS256(v wycheproofVector, g wycheproofGroup) bool {
	var key struct{ Alg string }
	first, _, _ := strings.Cut(v.token(), ".")
	header, err := base64.RawURLEncoding.DecodeString(first)
	return err == nil && json.Unmarshal(g.Public, &key) == nil && v.Result == "valid" &&
		key.Alg == "PS256" && strings.Contains(string(header), `"alg":"PS384"`)
}

// wycheproofCount is what became of the vectors of a file.
type wycheproofCount struct {
	asLabelled, exceptions             int
	acceptedHere, refusedHere          int // of what is offered
	notOfferedValid, notOfferedInvalid int
}

func (c wycheproofCount) String() string {
	return fmt.Sprintf("%d as labelled, %d exceptions; offered: %d accepted, %d refused; not offered under the shipped defaults: %d valid, %d invalid, all refused there",
		c.asLabelled, c.exceptions, c.acceptedHere, c.refusedHere, c.notOfferedValid, c.notOfferedInvalid)
}

// TestWycheproof decides all JOSE vectors of Wycheproof at the layer under Open. They
// are too large for this module's dependencies: testdata/peers has them.
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
	p, offered, shippedErr, err := decide(t, g, v)
	switch {
	case offered && err == nil:
		c.acceptedHere++
	case offered:
		c.refusedHere++
	case shippedErr == nil:
		t.Errorf("%s is not offered, and accepted without the extension", name)
	case valid:
		c.notOfferedValid++
	default:
		c.notOfferedInvalid++
	}
	if err == nil && v.Pt != nil && hex.EncodeToString(p) != *v.Pt {
		t.Errorf("%s has another plaintext", name)
	}
	exception, excepted := wycheproofExceptions[v.ID]
	excepted = excepted && file == "json_web_signature"
	asLabelled := valid == (err == nil)
	switch {
	case asLabelled && !excepted:
		c.asLabelled++
	case excepted && !asLabelled && exception.holds(v, g):
		c.exceptions++
	default:
		t.Errorf("%s is %s, and the result is: %v (exception: %v)", name, v.Result, err, excepted)
	}
}

// decide opens the token of a vector. shippedErr is what the shipped half says to it,
// whether it is offered or not.
func decide(t *testing.T, g wycheproofGroup, v wycheproofVector) (content []byte, offered bool, shippedErr, err error) {
	if v.Jwe != nil {
		p := newProfile(g.Private, "", keys.UseEnc)
		_, shippedErr = p.shippedDecrypt(t, v.token())
		content, err = p.decrypt(t, v.token())
		return content, p.offers(v.token()), shippedErr, err
	}
	jwks := g.Public
	if jwks == nil {
		jwks = g.Private
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(jwks, &set); err != nil || set.Keys == nil {
		jwks = fmt.Appendf(nil, `{"keys":[%s]}`, jwks)
	}
	p := newSetProfile(jwks)
	_, shippedErr = p.shippedVerify(t, v.token())
	content, err = p.verify(t, v.token())
	return content, p.offered, shippedErr, err
}
