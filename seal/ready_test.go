package seal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/seal"
)

type failing struct{ error }

func (f failing) PrivateKeys(context.Context) (*keys.Set, error) { return nil, f.error }
func (f failing) PublicKeys(context.Context, string) (*keys.PublicSet, error) {
	return nil, f.error
}

// Ready returns the error that the first token would meet.
func TestReady(t *testing.T) {
	t.Parallel()
	sig, enc := keytest.NewKey(keys.ES256), keytest.NewKey(keys.ECDHES)
	issuer, recipient := keytest.NewSet(sig), keytest.NewSet(enc)
	short := keytest.SetConfig(sig)
	short.MaxTokenLifetime = time.Minute
	stale := keytest.SetConfig(sig)
	stale.Stale = keys.ErrStale
	personal := must(keys.FromSigner("ada@example.com", keys.ES256, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))))
	down := errors.New("down")
	for name, tt := range map[string]struct {
		bend      func(c *anySeal)
		nested    error
		selective error
	}{
		"ready":                        {func(*anySeal) {}, nil, nil},
		"no signing key":               {func(c *anySeal) { c.Signing = recipient }, keys.ErrNoKey, keys.ErrNoKey},
		"no encryption key":            {func(c *anySeal) { c.Recipients[0].Keys = issuer }, keys.ErrNoKey, keys.ErrNoKey},
		"stale":                        {func(c *anySeal) { c.Signing = must(keys.NewSet(stale)) }, keys.ErrStale, keys.ErrStale},
		"a lifetime beyond the policy": {func(c *anySeal) { c.Signing = must(keys.NewSet(short)) }, seal.ErrLifetime, seal.ErrLifetime},
		"the signing keys fail":        {func(c *anySeal) { c.Signing = failing{down} }, down, down},
		"the recipient's keys fail":    {func(c *anySeal) { c.Recipients[0].Keys = failing{down} }, down, down},
		"a kid that is personal data":  {func(c *anySeal) { c.Signing = keytest.NewSet(personal) }, nil, seal.ErrReadable},
	} {
		for form, want := range map[bool]error{nested: tt.nested, selective: tt.selective} {
			c := parties{issuer, recipient}.config()
			c.Selective = form
			tt.bend(&c)
			s := must(newAny(c))
			if err := s.Ready(t.Context()); !errors.Is(err, want) {
				t.Errorf("%s, selective %v: %v", name, form, err)
			}
			if _, err := s.Seal(t.Context(), seal.Claims{}); !errors.Is(err, want) {
				t.Errorf("%s, selective %v: Seal returned %v", name, form, err)
			}
		}
	}
}

// A constructor refuses nil, also inside an interface, and names the field.
func TestNilSources(t *testing.T) {
	t.Parallel()
	for field, bend := range map[string]func(c *anySeal){
		"Signing": func(c *anySeal) { c.Signing = (*keys.Set)(nil) },
		"Keys":    func(c *anySeal) { c.Recipients[0].Keys = (*keys.PublicSet)(nil) },
	} {
		for form, want := range map[bool]string{nested: "Recipient.", selective: "Recipients[0]."} {
			c := defaults().config()
			c.Selective = form
			bend(&c)
			if field == "Signing" {
				want = ""
			}
			_, err := newAny(c)
			var problem *seal.ConfigError
			if !errors.As(err, &problem) || problem.Field != want+field || !errors.Is(err, seal.ErrConfig) {
				t.Errorf("%s, selective %v: %v", field, form, err)
			}
		}
	}
}

// A Sealer that no constructor made seals nothing and is not ready.
func TestZeroSealer(t *testing.T) {
	t.Parallel()
	for _, s := range []*seal.Sealer{nil, {}} {
		_, err := s.Seal(t.Context(), seal.Claims{})
		for _, err := range []error{err, s.Ready(t.Context())} {
			if !errors.Is(err, seal.ErrConfig) {
				t.Errorf("%v", err)
			}
		}
	}
}

type emptySource struct{}

func (emptySource) PrivateKeys(context.Context) (*keys.Set, error)              { return nil, nil }
func (emptySource) PublicKeys(context.Context, string) (*keys.PublicSet, error) { return nil, nil }

// If a source returns neither keys nor an error, the sealer returns an error.
func TestSourceWithoutAnswer(t *testing.T) {
	t.Parallel()
	for _, bend := range []func(c *anySeal){
		func(c *anySeal) { c.Signing = emptySource{} }, func(c *anySeal) { c.Recipients[0].Keys = emptySource{} },
	} {
		c := defaults().config()
		bend(&c)
		s := must(newAny(c))
		_, err := s.Seal(t.Context(), seal.Claims{})
		for _, err := range []error{err, s.Ready(t.Context())} {
			if !errors.Is(err, keys.ErrNoKey) {
				t.Errorf("%v", err)
			}
		}
	}
}
