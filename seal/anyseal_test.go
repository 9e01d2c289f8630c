package seal_test

import (
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// anySeal is a configuration of either form, for tests that try both. A nested token goes to the
// first of Recipients.
type anySeal struct {
	seal.SelectiveConfig
	Selective bool
	Replicate []string
}

const nested, selective = false, true

func newAny(c anySeal) (*seal.Sealer, error) {
	if c.Selective {
		return seal.NewSelective(c.SelectiveConfig)
	}
	cfg := seal.Config{
		Issuer: c.Issuer, Signing: c.Signing, Replicate: c.Replicate, Type: c.Type, AllowReadable: c.AllowReadable, Limits: c.Limits,
	}
	if len(c.Recipients) > 0 {
		r := c.Recipients[0]
		cfg.Recipient = seal.Recipient{Audience: r.Audience, Keys: r.Keys, Suites: r.Suites, Content: r.Content}
	}
	return seal.New(cfg)
}

// anyOpen is a configuration of an opener of either form.
type anyOpen struct {
	open.SelectiveConfig
	Selective bool
}

func newAnyOpener(c anyOpen) (*open.Opener, error) {
	if c.Selective {
		return open.NewSelective(c.SelectiveConfig)
	}
	return open.New(open.Config{
		Audience: c.Audience, Trust: c.Trust, Decryption: c.Decryption, Require: c.Require, Check: c.Check, Limits: c.Limits,
	})
}
