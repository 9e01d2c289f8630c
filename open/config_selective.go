package open

import (
	"context"

	"github.com/sealjwt/sealjwt/keys"
)

// DefaultSelectiveType is the typ of a selective token when Issuer.Type is empty.
const DefaultSelectiveType = "JWT"

// SelectiveConfig says which selective tokens a recipient of sealed claims accepts. [NewSelective]
// refuses the zero value. SelectiveConfig has no AllowMissing, because a JWE in such a token always
// needs a kid and a cty; Issuer.AllowMissing still relaxes the signed token. NewSelective copies
// the SelectiveConfig and its slices.
type SelectiveConfig struct {
	// Audience is our own name: one value of the token's aud must be exactly this text. Required.
	Audience string

	// Trust lists the issuers whose tokens we accept, as in Config. Required.
	Trust []Issuer

	// Decryption holds our private keys. Required.
	Decryption keys.PrivateSource

	// Require names claims that must be present with a value other than null, and that must have
	// been sealed to us: a claim that stands in clear does not count. When such a claim is missing
	// or was not sealed to us, [Error.Error], which the client may see, names it.
	Require []string

	// Check has the last word on a token, as in Config.
	Check func(ctx context.Context, t *Token) error

	// Limits bounds times, sizes and the cache.
	Limits Limits
}

// NewSelective returns an Opener of selective tokens that reads the claims that were
// sealed to it. It returns a [*ConfigError], an [ErrConfig], for a configuration that
// cannot work. NewSelective does not ask the key sources for keys yet; [Opener.Ready] does.
func NewSelective(cfg SelectiveConfig) (*Opener, error) {
	if isNil(cfg.Decryption) {
		return nil, configError("Decryption", "is required: a ring or a set with our private keys")
	}
	if err := checkRequire(cfg.Require, true); err != nil {
		return nil, err
	}
	return newOpener("Audience", settings{
		audiences: []string{cfg.Audience}, trust: cfg.Trust, decryption: cfg.Decryption, require: cfg.Require,
		check: cfg.Check, limits: cfg.Limits, selective: true,
	})
}

// GatewayConfig says which selective tokens a gateway lets pass. A gateway has no private keys: it
// verifies the token and reads the claims in clear. [NewGateway] refuses the zero value, and copies
// the GatewayConfig and its slices.
type GatewayConfig struct {
	// Audiences are the names of the services behind the gateway: at least one value of the token's
	// aud must be exactly one of these texts. Required.
	Audiences []string

	// Trust lists the issuers whose tokens pass, as in Config. Required. Their AllowMissing
	// must not have Type: a token without typ is safe only with a Require, and a gateway, which
	// reads no sealed claim, has none.
	Trust []Issuer

	// Check has the last word on a token, as in Config.
	Check func(ctx context.Context, t *Token) error

	// Limits bounds times, sizes and the cache.
	Limits Limits
}

// NewGateway returns an Opener for a gateway in front of the recipients of selective tokens. The
// Opener checks all that can be checked without private keys. Of the sealed claims its tokens tell
// only the number of JWEs. Only their recipients find out whether the JWEs can be decrypted, and
// whether they contradict the claims in clear. NewGateway returns the errors of [NewSelective].
func NewGateway(cfg GatewayConfig) (*Opener, error) {
	return newOpener("Audiences", settings{
		audiences: cfg.Audiences, trust: cfg.Trust, check: cfg.Check, limits: cfg.Limits, selective: true,
	})
}
