// Package peers proves that tokens and keys pass between sealjwt and other
// implementations of JOSE, in both directions. It is a module of its own.
package peers

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// peer is another implementation, as the tests drive it. It handles keys, a signed JWT by itself
// and a JWE by itself. Keys are JWKs. header is the protected header without the members that the
// algorithm adds.
type peer interface {
	version() string
	generate(suite string) (keyPair, error) // suite is a name of keys.Suite

	// republish reads a public JWK Set and writes the keys as the peer does.
	republish(set json.RawMessage) (json.RawMessage, error)

	sign(claims, header members, private json.RawMessage) (token string, err error)
	verify(token string, public json.RawMessage, want expected) (claims, header members, err error)
	encrypt(plaintext string, header members, public json.RawMessage) (token string, err error)
	decrypt(token string, private json.RawMessage, alg, enc string) (plaintext string, header members, err error)
}

// peers lists all peers in the order of the matrix.
var peers = []struct {
	name  string
	start func(*testing.T) peer // skips the test if the peer is not installed
}{
	{"go-jose", startGoJose},
	{"jwx", startJWXPeer},
	{"npm jose", startNode},
	{"jwcrypto", startPython},
	{"latchset jose", startLatchset},
}

// members holds the members of a JSON object.
type members map[string]any

// keyPair is a key that a peer has made. Both halves are JWKs with kid, use and alg.
type keyPair struct {
	Private json.RawMessage `json:"private"`
	Public  json.RawMessage `json:"public"`
}

// expected has the claims that a verifier of a signed JWT demands, besides an exp in the future.
type expected struct {
	alg, typ, iss, aud string
}

// sealWith makes a Nested JWT at the peer.
func sealWith(p peer, claims members, signer, recipient keyPair, inner, outer members) (string, error) {
	signed, err := p.sign(claims, inner, signer.Private)
	if err != nil {
		return "", err
	}
	return p.encrypt(signed, outer, recipient.Public)
}

// openWith opens a Nested JWT at the peer.
func openWith(p peer, token string, recipient, signer keyPair, alg, enc string, want expected) (claims, inner, outer members, err error) {
	signed, outer, err := p.decrypt(token, recipient.Private, alg, enc)
	if err != nil {
		return nil, nil, nil, err
	}
	if outer["cty"] != "JWT" {
		return nil, nil, nil, errors.New("the plaintext is not announced as a JWT")
	}
	claims, inner, err = p.verify(signed, signer.Public, want)
	return claims, inner, outer, err
}

// missing skips the test. With SEALJWT_PEERS=require it fails the test.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("SEALJWT_PEERS") == "require" {
		t.Fatalf("SEALJWT_PEERS=require, but %s", why)
	}
	t.Skipf("skipped: %s", why)
}
