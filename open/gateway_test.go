package open_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
)

// A gateway accepts tokens for each of its audiences, and needs at least one.
func TestNewGateway(t *testing.T) {
	t.Parallel()
	trust := selectiveConfig().Trust
	for _, audiences := range [][]string{nil, {}, {""}, {audience, ""}} {
		o, err := open.NewGateway(open.GatewayConfig{Audiences: audiences, Trust: trust})
		var problem *open.ConfigError
		if o != nil || !errors.Is(err, open.ErrConfig) || !errors.As(err, &problem) || problem.Field != "Audiences" {
			t.Errorf("%q: %v, %v", audiences, o, err)
		}
	}
	token := forgeSelective().Token()
	for _, tt := range []struct {
		audiences []string
		want      error
	}{
		{[]string{audience}, nil},
		{[]string{"https://other.example.com", audience}, nil},
		{[]string{"https://other.example.com", "https://third.example.com"}, open.ErrAudience},
	} {
		o, err := open.NewGateway(open.GatewayConfig{Audiences: tt.audiences, Trust: trust})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.OpenAt(t.Context(), token, clock); !errors.Is(err, tt.want) {
			t.Errorf("%q: %v, want %v", tt.audiences, err, tt.want)
		}
	}
}

type failing struct{ error }

func (f failing) PrivateKeys(context.Context) (*keys.Set, error) { return nil, f.error }
func (f failing) PublicKeys(context.Context, string) (*keys.PublicSet, error) {
	return nil, f.error
}

// Ready returns the error that the first token would meet.
func TestReady(t *testing.T) {
	t.Parallel()
	issuer, recipient := keytest.NewSet(keytest.NewKey(keys.ES256)), keytest.NewSet(keytest.NewKey(keys.ECDHES))
	down := errors.New("down")
	for name, tt := range map[string]struct {
		bend func(c *open.SelectiveConfig)
		want error
	}{
		"ready":                    {func(*open.SelectiveConfig) {}, nil},
		"no decryption key":        {func(c *open.SelectiveConfig) { c.Decryption = issuer }, open.ErrUnknownKey},
		"the decryption keys fail": {func(c *open.SelectiveConfig) { c.Decryption = failing{down} }, down},
		"no verification key": {func(c *open.SelectiveConfig) {
			c.Trust = append(c.Trust, open.Issuer{ID: "second", Keys: recipient})
		}, open.ErrUnknownKey},
		"the issuer's keys fail": {func(c *open.SelectiveConfig) {
			c.Trust = append(c.Trust, open.Issuer{ID: "second", Keys: failing{down}})
		}, down},
	} {
		cfg := open.SelectiveConfig{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: issuer}}, Decryption: recipient}
		tt.bend(&cfg)
		for form, o := range map[string]*open.Opener{"nested": must(newAnyOpener(anyOpen{SelectiveConfig: cfg})), "selective": must(open.NewSelective(cfg))} {
			err := o.Ready(t.Context())
			if !errors.Is(err, tt.want) || tt.want == down && !errors.Is(err, open.ErrKeySource) {
				t.Errorf("%s, %s: %v", name, form, err)
			}
		}
	}
	gateway := must(open.NewGateway(open.GatewayConfig{Audiences: []string{audience}, Trust: []open.Issuer{{ID: issuerID, Keys: issuer}}}))
	if err := gateway.Ready(t.Context()); err != nil {
		t.Errorf("a gateway needs no decryption keys: %v", err)
	}
}
