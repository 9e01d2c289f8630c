package seal_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal"
)

// A name that a reader of SD-JWT takes for digests is not visible in any spelling. Sealed it does
// not reach such a reader, and as a string it is only text.
func TestDisclosures(t *testing.T) {
	t.Parallel()
	c := defaults().config()
	c.Selective, c.Visible = true, []string{"scope", "org"}
	s := newSealer(t, c)
	for claims, ok := range map[string]bool{
		`{"org":{"_sd":["a"]}}`:                     false,
		`{"org":{"unit":{"_sd":[]}}}`:               false,
		`{"org":[1,{"...":"digest"}]}`:              false,
		`{"org":[[{"unit":[{"a":{"...":1}}]}]]}`:    false,
		`{"org":{"\u005fsd":["a"]}}`:                false,
		`{"org":{"\u002e..":"a"}}`:                  false,
		`{"org":{"_SD":["a"]}}`:                     false,
		`{"scope":"a","org":{"unit":1,"_sd":null}}`: false,
		`{"org":{"_sd":["a"],"a":1,"A":2}}`:         false, // package strict allows such names in a claim
		`{"org":[{"ab":{"...":1},"AB":{}}]}`:        false,
		`{"org":{"a":1,"A":["_sd"]}}`:               true,
		`{"org":{"unit":"_sd"},"scope":"..."}`:      true,
		`{"org":["_sd","..."],"scope":{}}`:          true,
		`{"org":{"_sd_alg":"sha-256","..":1}}`:      true,
		`{"org":null,"_sd":["a"],"...":{"_sd":1}}`:  true, // sealed
		`{"role":{"_sd":["a"]},"scope":[]}`:         true,
	} {
		token, err := s.Seal(t.Context(), seal.Claims{Custom: json.RawMessage(claims)})
		if ok != (err == nil) || ok == (token == "") {
			t.Errorf("%s: %v", claims, err)
		}
		if err != nil && (!errors.Is(err, seal.ErrClaims) || !strings.Contains(err.Error(), `"org"`) || strings.Contains(err.Error(), "digest\"")) {
			t.Errorf("%s: %v", claims, err)
		}
	}
	// A nested token shows no claims, so it may have such names.
	if _, err := newSealer(t, defaults().config()).Seal(t.Context(), seal.Claims{Custom: json.RawMessage(`{"_sd":["a"]}`)}); err != nil {
		t.Errorf("nested: %v", err)
	}
}
