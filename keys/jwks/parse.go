package jwks

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// parseSet reads a JWK Set. It refuses a single key and PEM, which keys.ParsePublicSet reads
// too: a JWK Set URL must serve a JWK Set.
func parseSet(body []byte) (*keys.PublicSet, error) {
	set, err := keys.ParsePublicSet(body)
	if errors.Is(err, keys.ErrPrivateKey) {
		return nil, err
	}
	o, notJSON := strict.ParseObject(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if _, ok := o.Raw("keys"); !ok || notJSON != nil {
		return nil, fmt.Errorf("%w: not a JWK Set: %w", keys.ErrMalformed, cmp.Or(notJSON, errNoKeysArray))
	}
	return set, err
}

var errNoKeysArray = errors.New(`no "keys" array`)
