package strict_test

import (
	"encoding/json"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// A claims set costs one allocation for its members, one for the closure that hides them, and one
// more if names have escapes. The calls that every token needs allocate only the text that they
// return.
func TestAllocations(t *testing.T) {
	if race {
		t.Skip("the race detector drops pooled buffers")
	}
	o := mustParse(t, string(claims))
	judged := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed", "cnf"}
	text, escaped := strict.EncodeBase64URL(claims), []byte(`{"\u0061":{"\u0062":[{},1]}}`)
	dst, inText := make([]byte, 0, 2*len(claims)), []byte(text)
	for name, c := range map[string]struct {
		want float64
		call func()
	}{
		"ParseObject":            {2, func() { strict.ParseObject(claims) }},
		"ParseObject, escapes":   {3, func() { strict.ParseObject(escaped) }},
		"ParseObject, members":   {2, func() { strict.ParseObject(benchTexts4K["object"]) }},
		"ParseObject, array":     {2, func() { strict.ParseObject(benchTexts4K["array"]) }},
		"Raw":                    {0, func() { o.Raw("exp") }},
		"Text":                   {1, func() { kept, _, _ = o.Text("iss") }},
		"TextBytes":              {0, func() { o.TextBytes("iss") }},
		"NumericDate":            {0, func() { o.NumericDate("exp") }},
		"FoldedTwin":             {0, func() { o.FoldedTwin(judged) }},
		"Count":                  {0, func() { o.Count() }},
		"AppendMember":           {0, func() { strict.AppendMember(append(dst, '{'), "näme\n", json.RawMessage("1")) }},
		"AppendString":           {0, func() { strict.AppendString(dst, "té\x00xt") }},
		"AppendBase64URL":        {0, func() { strict.AppendBase64URL(dst, claims) }},
		"AppendDecodeBase64URL":  {0, func() { strict.AppendDecodeBase64URL(dst, text) }},
		"AppendDecode..., bytes": {0, func() { strict.AppendDecodeBase64URL(dst, inText) }},
		"DecodeBase64URL":        {1, func() { strict.DecodeBase64URL(text) }},
		"DecodeBase64URL bytes":  {1, func() { strict.DecodeBase64URL(inText) }},
	} {
		if n := testing.AllocsPerRun(100, c.call); n != c.want {
			t.Errorf("%s: %v allocations, want %v", name, n, c.want)
		}
	}
}

var kept string // otherwise the compiler drops the copy

var benchTexts4K = benchTexts(4 << 10)
