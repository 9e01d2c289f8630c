package open_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// bothHeaders has the two headers of a nested token.
var bothHeaders = []struct {
	name string
	of   func(f *forgery) *forge.Object
}{
	{"outer", func(f *forgery) *forge.Object { return &f.Outer }},
	{"inner", func(f *forgery) *forge.Object { return &f.Inner }},
}

// A reader that folds case would take such a member for the one that decides.
func TestMembersInOtherLetters(t *testing.T) {
	t.Parallel()
	for _, header := range bothHeaders {
		for _, name := range []string{"alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", "crit", "zip", "b64", "jwk", "jku", "x5u"} {
			letters := strings.ToUpper(name[:1]) + name[1:]
			alone, beside := forgeNested(), forgeNested()
			raw := header.of(alone).Raw(name)
			if raw == "" {
				raw = `"x"`
			}
			header.of(alone).Remove(name)
			header.of(alone).Add(letters, raw)
			header.of(beside).Add(letters, raw)
			t.Run(letters+" in the "+header.name+" header", func(t *testing.T) {
				for _, f := range []*forgery{alone, beside} {
					refused(t, config(), f.Token(), open.ErrMalformed, secretsOf(f)...)
				}
			})
		}
	}
}

// The kid of a key that has another use does not count.
func TestKeyOfAnotherUse(t *testing.T) {
	t.Parallel()
	both := func(c *anyOpen) {
		ring := append(keysFor(managementSuites), testKeyFor(keys.ES256))
		c.Decryption = privateSet(ring...)
		c.Trust[0].Keys = publicSet(testKeyFor(keys.ES256), testKeyFor(keys.ECDHES))
	}
	run(t, []row{
		{"both uses in one ring", nil, both, nil},
		{"a signing key's kid outside", func(f *forgery) { f.Outer.Set("kid", quoted(f.Signer.Kid)) }, both, open.ErrUnknownKey},
		{"a decryption key's kid inside", func(f *forgery) { f.Inner.Set("kid", quoted(f.Recipient.Kid)) }, both, open.ErrUnknownKey},
		{"a public key of ours has no private half", nil, func(c *anyOpen) {
			k := testKeyFor(keys.ECDHES)
			public := must(keys.ParseKey(must(json.Marshal(k.Jose(k.Public()))), keys.Hint{}))
			c.Decryption = keytest.NewSet(public)
		}, open.ErrUnknownKey},
	})
}
