package peers

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// party is our side of the exchange: a key for every suite, private to it, and the
// public half of each as a JWK for the other side.
type party struct {
	set map[keys.Suite]*keys.Set
	jwk map[keys.Suite]json.RawMessage
}

// suites are those of all keys.
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

// theirKeys has the peer make one key per suite. Where it has no such keys, as the
// list of what it cannot do says, it gets one of jwx: its cells must then fail for
// what they try, not for want of a key.
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

// publicJWK is the one key that the set publishes, as the other side gets it.
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

// publicSet is what we read of a JWK of theirs.
func publicSet(jwk json.RawMessage) (*keys.PublicSet, error) {
	return keys.ParsePublicSet(fmt.Appendf(nil, `{"keys":[%s]}`, jwk))
}

// heldSet is a key of theirs as we hold it, by itself.
func heldSet(t *testing.T, key keyPair) *keys.Set {
	t.Helper()
	k, err := keys.ParseKey(key.Private, keys.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	return keytest.NewSet(k)
}

// posing is a key under the kid of another.
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

// kid of a JWK; "" is one that no test accepts.
func kid(jwk json.RawMessage) string {
	var key struct {
		ID string `json:"kid"`
	}
	if json.Unmarshal(jwk, &key) != nil {
		return ""
	}
	return key.ID
}
