package seal_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/seal"
)

// The length of a token with 197 bytes of claims and the default configuration is known. It depends
// on no key: kids are generated and have one length.
func TestTokenLength(t *testing.T) {
	subject, custom := claimsFile(t, "../testdata/claims/small.json")
	for _, row := range []struct {
		suite keys.Suite
		most  int // in characters
	}{
		{keys.ECDHES, 890},
		{keys.ECDHESX25519, 825},
	} {
		recipient := must(keys.GenerateKey(row.suite))
		p := parties{newSet(keys.ES256), keytest.NewSet(recipient)}
		token := p.seal(t, seal.Claims{Subject: subject, Custom: custom})
		if n := len(p.payload(t, token)); n != 197 {
			t.Fatalf("the claims have %d bytes", n)
		}
		header := decode(token[:strings.IndexByte(token, '.')])
		if len(token) > row.most {
			t.Errorf("%v: %d characters, and at most %d are promised; the header has %d bytes: %s", row.suite, len(token), row.most, len(header), header)
		}
		t.Logf("%v: %d characters, header %d bytes", row.suite, len(token), len(header))
	}
}
