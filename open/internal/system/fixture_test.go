// Package system_test tests the rules that hold for every package of the library.
package system_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
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
	issuerID, strangerID, audience = fixture.IssuerID, fixture.StrangerID, fixture.Audience
	nestedForm, selectiveForm      = fixture.NestedForm, fixture.SelectiveForm
)

var (
	clock, seconds, quoted      = fixture.Clock, fixture.Seconds, forge.Quoted
	newTestKey, isOAEP          = fixture.NewKey, fixture.IsOAEP
	config, selectiveConfig     = fixture.Config, fixture.SelectiveConfig
	newAnyOpener, newAny        = fixture.NewAnyOpener, fixture.NewAnySealer
	forgeNested, forgeSelective = fixture.Nested, fixture.Selective
	claim, outer, plaintext     = fixture.Claim, fixture.Outer, fixture.Plaintext
	bendParts, flip             = fixture.BendParts, fixture.Flip
	ours, sealedAs, sealedClaim = fixture.Ours, fixture.SealedAs, fixture.SealedClaim
	errDown                     = errors.New("the store is down")
)

func must[T any](v T, err error) T { return fixture.Must(v, err) }

func newOpener(t testing.TB, cfg anyOpen) *open.Opener {
	t.Helper()
	o, err := newAnyOpener(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// brokenSource is a key source that always fails.
type brokenSource struct{ err error }

func (b brokenSource) PrivateKeys(context.Context) (*keys.Set, error) { return nil, b.err }
