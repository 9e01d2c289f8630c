package peers

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// compareCache opens a token that was opened before. The SHA-256 of its text stands beside it,
// because every cache needs one to look a token up. The keys are in a set, which answers at no
// cost, and in a ring, which reads the clock for each of its two sides. No peer has a cache of
// tokens.
func compareCache(t *testing.T) string {
	k := newBenchKeys(t, benchSuites[0])
	kek, err := keyring.NewKEK(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Create(t.Context(), keyring.Config{Store: keyring.NewMemStore(), KEK: kek})
	if err != nil {
		t.Fatal(err)
	}
	token, inSet := cachedOpen(t, "keys in a set", k.issuer, k.recipient)
	_, inRing := cachedOpen(t, "keys in a ring", ring, ring)
	text := []byte(token)
	digest := racer{"SHA-256 of the token", func() error {
		for range cacheBatch {
			sha256.Sum256(text)
		}
		return nil
	}}
	racers := []racer{digest, inSet, inRing}
	table := newTable("", fmt.Sprintf("processor time ÷ SHA-256 of the token (%d bytes)", len(token)), "ns")
	for i, p := range race(t, cpuTime, racers...) {
		table.row(racers[i].name, p.String(), fmt.Sprintf("%.0f", 1e3*micros(p.each)/cacheBatch))
	}
	return table.String()
}

const cacheBatch = 500

// cachedOpen opens a token with 512 bytes of claims many times over.
func cachedOpen(t *testing.T, name string, issuing, receiving interface {
	keys.PublicSource
	keys.PrivateSource
}) (token string, hits racer) {
	t.Helper()
	sealer, err := seal.New(seal.Config{
		Issuer:    issuer,
		Signing:   issuing,
		Recipient: seal.Recipient{Audience: audience, Keys: receiving},
		Limits:    seal.Limits{Lifetime: benchLifetime},
	})
	if err != nil {
		t.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: issuing}},
		Decryption: receiving,
		Limits:     open.Limits{Leeway: benchLeeway, Cache: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err = sealing(t.Context(), sealer, profileOf(t, 512))()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	first, err := opener.Open(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	return token, racer{"cache hit, " + name, func() error {
		for range cacheBatch {
			if tok, err := opener.Open(ctx, token); err != nil || tok != first {
				return errors.Join(errors.New("not from the cache"), err)
			}
		}
		return nil
	}}
}
