package open_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// The two curves share the names of their algorithms. A token without kid finds the right key all
// the same.
func TestX25519KeyID(t *testing.T) {
	t.Parallel()
	for i, suite := range x25519Suites {
		with := func(others ...keys.Suite) func(c *anyOpen) {
			return func(c *anyOpen) {
				c.Allow(open.KeyID)
				c.Decryption = privateSet(append(keysFor(others), testKeyFor(suite))...)
			}
		}
		t.Run(suite.String(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, suite, keys.A256GCM) }, []row{
				{"no kid", noKid, with(), nil},
				{"no kid, and one on P-256 has the algorithm too", noKid, with(managementSuites...), nil},
				{"the name of the suite as alg", outer("alg", quoted(suite.String())), with(), open.ErrAlgorithm},
				{"for a key on P-256", outer("kid", quoted(testKeyFor(managementSuites[i]).Kid)), with(managementSuites[i]), open.ErrMalformed},
			})
		})
	}
}

// sealedX25519 returns a function that makes a golden token for a key on X25519.
func sealedX25519(suite keys.Suite, file string) func(t *testing.T) goldenToken {
	return func(t *testing.T) goldenToken {
		signer, _ := goldenKeys(keys.ES256, keys.ECDHES)
		recipient := newTestKey(suite, "", newX25519())
		recipient = newTestKey(suite, recipient.Held.ID(), recipient.Private)
		g := goldenToken{
			About:     fmt.Sprintf("Made by package seal with ES256, %v and A256GCM, of claims/%s.json. The keys are for this test alone.", suite, file),
			Recipient: recipient.Text(),
			Issuer:    must(json.Marshal(signer.Jose(signer.Public()))),
			Iss:       issuerID, Aud: audience, Typ: "sealed+jwt", Clock: clock.Unix() + 60,
		}
		subject, claims := claimsFile(t, file)
		sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Signing:    privateSet(signer),
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: privateSet(recipient)}},
		}}))
		g.Token = must(sealer.Seal(t.Context(), seal.Claims{Subject: subject, Custom: claims}))
		g.Claims = must(joseClaims(g.Token, signer, recipient))
		return g
	}
}
