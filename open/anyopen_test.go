package open_test

import "github.com/sealjwt/sealjwt/open"

// anyOpen is a configuration of any kind, for tests that try several.
type anyOpen struct {
	open.SelectiveConfig
	Selective bool
	Gateway   bool
}

const nestedForm, selectiveForm = false, true

func newAnyOpener(c anyOpen) (*open.Opener, error) {
	switch {
	case c.Gateway:
		return open.NewGateway(open.GatewayConfig{
			Audiences: []string{c.Audience}, Trust: c.Trust, Type: c.Type, AllowMissingKeyID: c.AllowMissingKeyID, Check: c.Check, Limits: c.Limits,
		})
	case c.Selective:
		return open.NewSelective(c.SelectiveConfig)
	}
	return open.New(open.Config(c.SelectiveConfig))
}
