package peers

import (
	"context"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// contender is one way to do the work.
type contender struct {
	name string
	seal func() (token string, err error)
	open func(token string) (*benchProfile, error)
}

// benchMaxSize lets the longest claims pass: base64url makes a signed text a third longer, and
// encryption does so again.
const benchMaxSize = 256 << 10

// ours is this library as the documentation shows it, with one Sealer and one Opener.
func ours(t testing.TB, k *benchKeys, p benchProfile) contender {
	t.Helper()
	sealer, err := seal.New(seal.Config{
		Issuer:    issuer,
		Signing:   k.issuer,
		Recipient: seal.Recipient{Audience: audience, Keys: k.recipient},
		Limits:    seal.Limits{Lifetime: benchLifetime, MaxSize: benchMaxSize},
	})
	if err != nil {
		t.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: k.issuer}},
		Decryption: k.recipient,
		Limits:     open.Limits{Leeway: benchLeeway, MaxSize: benchMaxSize},
	})
	if err != nil {
		t.Fatal(err)
	}
	return contender{"sealjwt", sealing(t.Context(), sealer, p), opening(t.Context(), opener)}
}

func sealing(ctx context.Context, s *seal.Sealer, p benchProfile) func() (string, error) {
	return func() (string, error) {
		return s.Seal(ctx, seal.Claims{Subject: benchSubject, NotBefore: time.Now(), Custom: p})
	}
}

func opening(ctx context.Context, o *open.Opener) func(token string) (*benchProfile, error) {
	return func(token string) (*benchProfile, error) {
		tok, err := o.Open(ctx, token)
		if err != nil {
			return nil, err
		}
		p := new(benchProfile)
		return p, tok.Claims(p)
	}
}
