package open

import (
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

func TestOnlyVerificationKey(t *testing.T) {
	t.Parallel()
	es, ed, es2, enc := keytest.NewKey(keys.ES256), keytest.NewKey(keys.EdDSA), keytest.NewKey(keys.ES256), keytest.NewKey(keys.ECDHES)
	for _, c := range []struct {
		members []*keys.Key
		alg     string
		want    *keys.Key
	}{
		{[]*keys.Key{es, ed}, "ES256", es},
		{[]*keys.Key{es, ed}, "EdDSA", ed},
		{[]*keys.Key{es, ed}, "Ed25519", ed},
		{[]*keys.Key{es, ed, enc}, "ECDH-ES", nil},
		{[]*keys.Key{es, es2}, "ES256", nil},
		{[]*keys.Key{es, es2, keytest.NewKey(keys.ES256)}, "ES256", nil},
		{[]*keys.Key{es}, "RS256", nil},
		{[]*keys.Key{es}, "", nil},
		{nil, "ES256", nil},
	} {
		set, err := keytest.NewSet(c.members...).PublicKeys(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		k, ok := onlyVerificationKey(set, c.alg)
		if ok != (c.want != nil) || ok != (k != nil) || ok && k.ID() != c.want.ID() {
			t.Errorf("%s among %d: %v", c.alg, len(c.members), ok)
		}
	}
}
