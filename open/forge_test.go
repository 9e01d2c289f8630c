package open_test

import (
	"context"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open/internal/fixture"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// The tests use short names for the functions that they share with other packages.
type (
	forgery   = forge.Draft
	parts     = forge.Parts
	testKey   = fixture.Key
	anyOpen   = fixture.AnyOpen
	anySeal   = fixture.AnySeal
	selective = fixture.SelectiveDraft
)

const (
	issuerID, otherID, strangerID = fixture.IssuerID, fixture.OtherID, fixture.StrangerID
	audience, billing             = fixture.Audience, fixture.Billing
	nestedForm, selectiveForm     = fixture.NestedForm, fixture.SelectiveForm
	sealedType                    = fixture.SealedType
)

var (
	clock   = fixture.Clock
	seconds = fixture.Seconds

	encode, decode, quoted, epkOf = forge.Encode, forge.Decode, forge.Quoted, forge.EPK

	newTestKey, testKeyFor, keysFor               = fixture.NewKey, fixture.KeyFor, fixture.KeysFor
	newP256, newEd25519, newX25519                = fixture.NewP256, fixture.NewEd25519, fixture.NewX25519
	publicSet, privateSet                         = fixture.PublicSet, fixture.PrivateSet
	billingKey, otherIssuersKey                   = fixture.BillingKey, fixture.OtherIssuersKey
	signingSuites, managementSuites, x25519Suites = fixture.SigningSuites, fixture.ManagementSuites, fixture.X25519Suites
	allContents, contentOf, isOAEP                = fixture.AllContents, fixture.ContentOf, fixture.IsOAEP

	config, selectiveConfig, gateway = fixture.Config, fixture.SelectiveConfig, fixture.Gateway
	newAnyOpener, newAny             = fixture.NewAnyOpener, fixture.NewAnySealer

	forgeNested, forgeWith, forgeFor = fixture.Nested, fixture.NestedWith, fixture.NestedFor
	forgeSelective, forgeSealed      = fixture.Selective, fixture.SealedTo
	jweOf, jsonArray, secretsOf      = fixture.JWEOf, fixture.JSONArray, fixture.SecretsOf
	claim, noClaim, outer, noOuter   = fixture.Claim, fixture.NoClaim, fixture.Outer, fixture.NoOuter
	plaintext, bendParts, flip       = fixture.Plaintext, fixture.BendParts, fixture.Flip
	visible, ours, theirs            = fixture.Visible, fixture.Ours, fixture.Theirs
	sealedAs, sealedClaim            = fixture.SealedAs, fixture.SealedClaim
)

func must[T any](v T, err error) T { return fixture.Must(v, err) }

// both makes one change after the other.
func both[F any](first, second func(f F)) func(f F) {
	return func(f F) { first(f); second(f) }
}

// member is a name, without quotes, and the JSON text of its value.
type member struct{ name, raw string }

// object is a JSON object as a list of members.
type object []member

// made returns the object in the form of the forge.
func (o object) made() (made forge.Object) {
	for _, m := range o {
		made.Add(m.name, m.raw)
	}
	return made
}

// selectiveRow has one token and the expected result.
type selectiveRow struct {
	name string
	bend func(s *selective)
	cfg  func(c *anyOpen) // nil: selectiveConfig()
	want error            // nil: the token is accepted
}

func runSelective(t *testing.T, rows []selectiveRow) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := forgeSelective()
			if r.bend != nil {
				r.bend(s)
			}
			cfg := selectiveConfig()
			if r.cfg != nil {
				r.cfg(&cfg)
			}
			token := s.Token()
			if r.want == nil {
				accepted(t, cfg, token)
				return
			}
			refused(t, cfg, token, r.want, s.Secrets()...)
		})
	}
}

// forbidden is a source of decryption keys that fails the test when it is called.
type forbidden struct{ t *testing.T }

func (f forbidden) PrivateKeys(context.Context) (*keys.Set, error) {
	f.t.Error("asked for decryption keys")
	return privateSet(keysFor(managementSuites)...), nil
}
