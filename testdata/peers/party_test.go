package peers

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// party is one side of the exchange: a key of its own for every suite, private
// to it, and the public half of each as a JWK for the other side.
type party struct {
	ours map[keys.Suite]*keys.Set       // nil for npm jose
	jose map[keys.Suite]json.RawMessage // nil for us
	jwk  map[keys.Suite]json.RawMessage
}

// ourParty makes one key per suite with this library.
func ourParty(t *testing.T) party {
	t.Helper()
	return newParty(t, func(s keys.Suite) *keys.Key {
		k, err := keys.Generate(s)
		if err != nil {
			t.Fatalf("generate %s: %v", s.Alg(), err)
		}
		return k
	})
}

// importedParty reads private keys that npm jose has made.
func importedParty(t *testing.T, n *node) party {
	t.Helper()
	return newParty(t, func(s keys.Suite) *keys.Key {
		k, err := keys.ParseKey(n.generate(t, s.Alg()).Private, keys.As{})
		if err != nil {
			t.Fatalf("read the %s key of npm jose: %v", s.Alg(), err)
		}
		return k
	})
}

func newParty(t *testing.T, key func(keys.Suite) *keys.Key) party {
	t.Helper()
	p := party{ours: map[keys.Suite]*keys.Set{}, jwk: map[keys.Suite]json.RawMessage{}}
	for _, s := range append(signing[:len(signing):len(signing)], management...) {
		set, err := keys.NewSet(key(s))
		if err != nil {
			t.Fatal(err)
		}
		p.ours[s], p.jwk[s] = set, publicJWK(t, set)
	}
	return p
}

// joseParty has npm jose make one key per suite.
func joseParty(t *testing.T, n *node) party {
	t.Helper()
	p := party{jose: map[keys.Suite]json.RawMessage{}, jwk: map[keys.Suite]json.RawMessage{}}
	for _, s := range append(signing[:len(signing):len(signing)], management...) {
		made := n.generate(t, s.Alg())
		p.jose[s], p.jwk[s] = made.Private, made.Public
	}
	return p
}

// publicJWK is the one key that the set publishes, as the other side gets it.
func publicJWK(t *testing.T, set *keys.Set) json.RawMessage {
	t.Helper()
	public, err := set.Public(t.Context(), "")
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

func publicSet(t *testing.T, jwk json.RawMessage) *keys.PublicSet {
	t.Helper()
	set, err := keys.ParsePublicSet(fmt.Appendf(nil, `{"keys":[%s]}`, jwk))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func kid(t *testing.T, jwk json.RawMessage) string {
	t.Helper()
	var key struct {
		ID string `json:"kid"`
	}
	if err := json.Unmarshal(jwk, &key); err != nil || key.ID == "" {
		t.Fatalf("a JWK without kid: %v", err)
	}
	return key.ID
}
