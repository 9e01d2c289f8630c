package open

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// rfcSet is a JWK Set, or a JWK that was made one.
type rfcSet struct {
	Section string          `json:"section"`
	About   string          `json:"about"`
	JWKS    json.RawMessage `json:"jwks"`
	Usable  []string        `json:"usable"` // "alg kid" of each key, in their order
	Refused *refusal        `json:"refused"`
}

// rfcThumbprint is a public JWK with its thumbprint (RFC 7638).
type rfcThumbprint struct {
	Section    string          `json:"section"`
	Key        json.RawMessage `json:"key"`
	As         string          `json:"as"`
	Thumbprint string          `json:"thumbprint"`
}

func TestRFCSets(t *testing.T) {
	t.Parallel()
	for name, f := range rfcFiles(t) {
		for _, e := range f.Sets {
			t.Run(name+" "+e.Section, func(t *testing.T) {
				set, err := keys.ParsePublicSet(e.JWKS)
				if e.Refused.check(t, err); err != nil {
					return
				}
				var usable []string
				for _, k := range set.Keys() {
					usable = append(usable, k.Suite().Alg()+" "+k.ID())
				}
				if !slices.Equal(usable, e.Usable) || len(set.Skipped()) != 0 {
					t.Errorf("usable are %q, want %q; skipped %v", usable, e.Usable, set.Skipped())
				}
			})
		}
	}
}

func TestRFCThumbprints(t *testing.T) {
	t.Parallel()
	for name, f := range rfcFiles(t) {
		for _, e := range f.Thumbprints {
			t.Run(name+" "+e.Section, func(t *testing.T) {
				suite, err := keys.ParseSuite(e.As)
				if err != nil {
					t.Fatal(err)
				}
				k, err := keys.ParseKey(e.Key, keys.Hint{Suite: suite})
				if err != nil {
					t.Fatal(err)
				}
				if k.Thumbprint() != e.Thumbprint {
					t.Errorf("the thumbprint is %s, want %s", k.Thumbprint(), e.Thumbprint)
				}
			})
		}
	}
}
