package open_test

import "github.com/sealjwt/sealjwt/open"

// anyOpen is a configuration of any kind, for tests that try several.
type anyOpen struct {
	open.SelectiveConfig
	AllowMissing open.Missing // of the nested form
	Selective    bool
	Gateway      bool
}

const nestedForm, selectiveForm = false, true

func newAnyOpener(c anyOpen) (*open.Opener, error) {
	switch {
	case c.Gateway:
		return open.NewGateway(open.GatewayConfig{Audiences: []string{c.Audience}, Trust: c.Trust, Check: c.Check, Limits: c.Limits})
	case c.Selective:
		return open.NewSelective(c.SelectiveConfig)
	}
	return open.New(c.nested())
}

func (c anyOpen) nested() open.Config {
	return open.Config{
		Audience: c.Audience, Trust: c.Trust, Decryption: c.Decryption, Require: c.Require,
		AllowMissing: c.AllowMissing, Check: c.Check, Limits: c.Limits,
	}
}

// setType sets the typ of all issuers.
func (c *anyOpen) setType(typ string) {
	for i := range c.Trust {
		c.Trust[i].Type = typ
	}
}

// allow lets the tokens of all issuers lack these.
func (c *anyOpen) allow(m open.Missing) {
	for i := range c.Trust {
		c.Trust[i].AllowMissing |= m & (open.Type | open.Expiry | open.KeyID)
	}
	c.AllowMissing |= m & (open.KeyID | open.ContentType)
}
