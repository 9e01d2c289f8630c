package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// TestKeySets gives a public JWK Set with all our keys to every peer. The peer reads it and writes
// its own, in which we find the same keys with the same meaning. A private key of the peer is
// refused there.
func TestKeySets(t *testing.T) {
	us := ourParty(t)
	for _, of := range peers {
		t.Run(of.name, func(t *testing.T) {
			p := of.start(t)
			var ours []json.RawMessage
			for _, s := range suites() {
				// One key of an unknown type makes go-jose and latchset jose refuse the whole set.
				if len(holes(of.name, p.version(), s.String())) == 0 {
					ours = append(ours, us.jwk[s])
				}
			}
			set, err := json.Marshal(map[string]any{"keys": ours})
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := p.republish(set)
			if err != nil {
				t.Fatal(err)
			}
			want := describe(t, set)
			if got := describe(t, theirs); len(want) != len(ours) || !slices.Equal(got, want) {
				t.Errorf("they publish %q\nof our %q", got, want)
			}

			made, err := p.generate("ES256")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := publicSet(made.Private); !errors.Is(err, keys.ErrPrivateKey) {
				t.Errorf("a private key of theirs in a public set: %v", err)
			}
		})
	}
}

// describe reads a public JWK Set; nothing in it may be skipped.
func describe(t *testing.T, set json.RawMessage) (all []string) {
	t.Helper()
	public, err := keys.ParsePublicSet(set)
	if err != nil {
		t.Fatal(err)
	}
	if skipped := public.Skipped(); len(skipped) > 0 {
		t.Errorf("skipped: %v", skipped)
	}
	for _, k := range public.Keys() {
		all = append(all, fmt.Sprintf("%s %v %s", k.ID(), k.Suite(), k.Thumbprint()))
	}
	slices.Sort(all)
	return all
}
