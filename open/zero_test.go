package open_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// An Opener that no constructor made accepts nothing and is not ready.
func TestZeroOpener(t *testing.T) {
	t.Parallel()
	for _, o := range []*open.Opener{nil, {}} {
		_, err := o.Open(t.Context(), forgeNested().Token())
		_, at := o.OpenAt(t.Context(), forgeNested().Token(), clock)
		for _, err := range []error{err, at, o.Ready(t.Context())} {
			if !errors.Is(err, open.ErrConfig) {
				t.Errorf("%v", err)
			}
		}
	}
	for _, tok := range []*open.Token{nil, {}} {
		if tok.Issuer() != "" || tok.Subject() != "" || tok.ID() != "" || len(tok.Audience()) != 0 || len(tok.SealedNames()) != 0 || !tok.ExpiresAt().IsZero() {
			t.Errorf("a zero Token has claims")
		}
		if _, ok := tok.Claim("sub"); ok || tok.Claims(new(any)) == nil {
			t.Error("a zero Token has claims")
		}
	}
}

type empty struct{}

func (empty) PrivateKeys(context.Context) (*keys.Set, error)              { return nil, nil }
func (empty) Reload(context.Context) (*keys.Set, error)                   { return nil, nil }
func (empty) PublicKeys(context.Context, string) (*keys.PublicSet, error) { return nil, nil }

// A source that returns neither keys nor an error counts as an outage.
func TestSourceWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(c *anyOpen){
		"decryption":   func(c *anyOpen) { c.Decryption = empty{} },
		"verification": func(c *anyOpen) { c.Trust[0].Keys = empty{} },
	} {
		for token, cfg := range map[string]anyOpen{forgeNested().Token(): config(), forgeSelective().Token(): selectiveConfig()} {
			bend(&cfg)
			o := newOpener(t, cfg)
			_, err := o.OpenAt(t.Context(), token, clock)
			for _, err := range []error{err, o.Ready(t.Context())} {
				if !errors.Is(err, open.ErrKeySource) {
					t.Errorf("%s, selective %v: %v (%s)", name, cfg.Selective, err, detail(err))
				}
			}
		}
	}
}
