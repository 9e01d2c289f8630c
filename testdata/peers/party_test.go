package peers

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// party is our side of the exchange. It has a private key for every suite, and the public JWK of
// each for the other side.
type party struct {
	set map[keys.Suite]*keys.Set
	jwk map[keys.Suite]json.RawMessage
}

// suites returns the suites of all keys.
func suites() []keys.Suite { return slices.Concat(signing, management) }

// ourParty makes one key per suite with this library.
func ourParty(t *testing.T) party {
	t.Helper()
	return newParty(t, func(s keys.Suite) *keys.Key {
		k, err := keys.GenerateKey(s)
		if err != nil {
			t.Fatalf("generate %v: %v", s, err)
		}
		return k
	})
}

// importedParty reads private keys that a peer has made.
func importedParty(t *testing.T, theirs map[keys.Suite]keyPair) party {
	t.Helper()
	return newParty(t, func(s keys.Suite) *keys.Key {
		k, err := keys.ParseKey(theirs[s].Private, keys.Hint{})
		if err != nil {
			t.Fatalf("read the peer's private %v key: %v", s, err)
		}
		return k
	})
}

func newParty(t *testing.T, key func(keys.Suite) *keys.Key) party {
	t.Helper()
	p := party{map[keys.Suite]*keys.Set{}, map[keys.Suite]json.RawMessage{}}
	for _, s := range suites() {
		set := keytest.NewSet(key(s))
		p.set[s], p.jwk[s] = set, publicJWK(t, set)
	}
	return p
}

// theirKeys lets the peer make one key for each suite. If the peer cannot make one, as the list of
// holes says, the key comes from jwx: the cells with it must fail for their own reason, and not
// because a key is missing.
func theirKeys(t *testing.T, name string, p peer) map[keys.Suite]keyPair {
	t.Helper()
	all := map[keys.Suite]keyPair{}
	for _, s := range suites() {
		made, err := p.generate(s.String())
		if err != nil && len(holes(name, p.version(), s.String())) > 0 {
			made, err = jwx{}.generate(s.String())
		}
		if err != nil {
			t.Fatalf("generate %v: %v", s, err)
		}
		all[s] = made
	}
	return all
}

// publicJWK returns the one key that the set publishes, as the other side gets it.
func publicJWK(t *testing.T, set *keys.Set) json.RawMessage {
	t.Helper()
	public, err := set.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Keys []json.RawMessage
	}
	if err := json.Unmarshal(data, &published); err != nil {
		t.Fatal(err)
	}
	if len(published.Keys) != 1 {
		t.Fatalf("a set of one key publishes %d", len(published.Keys))
	}
	return published.Keys[0]
}

// publicSet reads a public JWK of a peer.
func publicSet(jwk json.RawMessage) (*keys.PublicSet, error) {
	return keys.ParsePublicSet(fmt.Appendf(nil, `{"keys":[%s]}`, jwk))
}

// heldSet returns a set of ours with a peer's private key.
func heldSet(t *testing.T, key keyPair) *keys.Set {
	t.Helper()
	k, err := keys.ParseKey(key.Private, keys.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	return keytest.NewSet(k)
}

// posing returns a key under the kid of another key.
func posing(t *testing.T, key keyPair, kid string) keyPair {
	t.Helper()
	renamed := func(jwk json.RawMessage) json.RawMessage {
		var all members
		if err := json.Unmarshal(jwk, &all); err != nil {
			t.Fatal(err)
		}
		all["kid"] = kid
		out, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	return keyPair{renamed(key.Private), renamed(key.Public)}
}

// kid returns the kid of a JWK. No test accepts "".
func kid(jwk json.RawMessage) string {
	var key struct {
		ID string `json:"kid"`
	}
	if json.Unmarshal(jwk, &key) != nil {
		return ""
	}
	return key.ID
}
