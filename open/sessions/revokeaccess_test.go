package sessions

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// A client revokes an access token of this issuer. A token of another issuer is not revoked, and
// the client gets the same answer.
func TestRevocationOfAccessToken(t *testing.T) {
	store := NewMemStore()
	r := must(New(testConfig(t, store)))(t)
	sig, enc := keytest.NewKey(keys.ES256), keytest.NewKey(keys.ECDHES)
	ring := keytest.NewSet(sig, enc)
	public := must(ring.PublicKeys(t.Context(), ""))(t)
	const audience, other = "https://api.example.com", "https://other.example.com"
	opener := must(open.New(open.Config{
		Audience: audience, Trust: []open.Issuer{{ID: testIssuer, Keys: public}, {ID: other, Keys: public}}, Decryption: ring,
	}))(t)
	h := must(r.Revocation(RevocationConfig{
		Authenticate: func(*http.Request) error { return nil },
		Open:         func(ctx context.Context, token string) (*open.Token, error) { return opener.Open(ctx, token) },
	}))(t)
	for _, issuer := range []string{testIssuer, other} {
		sealer := must(seal.New(seal.Config{Issuer: issuer, Signing: ring, Recipient: seal.Recipient{Audience: audience, Keys: public}}))(t)
		token := must(sealer.Seal(t.Context(), seal.Claims{Subject: "ada"}))(t)
		if w := revoke(h, "application/x-www-form-urlencoded", "token="+token); w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("%s: %d %s", issuer, w.Code, w.Body)
		}
		opened := must(opener.Open(t.Context(), token))(t)
		until, ok := ends(t, store)[entryOf(kindToken, testIssuer, opened.ID())]
		if ok != (issuer == testIssuer) {
			t.Errorf("%s: revoked is %v", issuer, ok)
		}
		if ok && until.Before(time.Now().Add(15*time.Minute)) {
			t.Errorf("it is kept until %v", until)
		}
	}
}
