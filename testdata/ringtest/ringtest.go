// Package ringtest tests rings that several processes share in one store: the test binary runs
// itself as those processes. It is for the tests of the stores, which are modules of their own.
//
// A test binary that uses it calls [Main] first in its TestMain.
package ringtest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// Opener opens the store that a text describes, in any process.
type Opener func(place string) (keyring.Store, error)

// A process gets its tasks in these variables.
const (
	envPlace  = "RINGTEST_PLACE"
	envKEK    = "RINGTEST_KEK"
	envMemory = "RINGTEST_MEMORY" // the path of its memory; empty for none
	envName   = "RINGTEST_NAME"   // name of the ring in that memory
	envSeal   = "RINGTEST_SEAL"   // how often it seals a token; empty: never
)

// Main acts as one of the processes and ends, if this process is one.
func Main(open Opener) {
	place := os.Getenv(envPlace)
	if place == "" {
		return
	}
	if err := serve(open, place); err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	os.Exit(0)
}

const (
	issuer   = "https://id.example.com"
	audience = "api"
)

// party seals and opens tokens with one ring.
type party struct {
	ring   *keyring.Ring
	sealer *seal.Sealer
	opener *open.Opener
}

func newParty(ctx context.Context, ring *keyring.Ring) (p party, err error) {
	policy, err := ring.Policy(ctx)
	if err != nil {
		return p, err
	}
	p.ring = ring
	p.sealer, err = seal.New(seal.Config{
		Issuer: issuer, Signing: ring, Recipient: seal.Recipient{Audience: audience, Keys: ring},
		Limits: seal.Limits{Lifetime: policy.TokenLifetime},
	})
	if err != nil {
		return p, err
	}
	p.opener, err = open.New(open.Config{
		Audience: audience, Trust: []open.Issuer{{ID: issuer, Keys: ring}}, Decryption: ring,
		Limits: open.Limits{Leeway: policy.Leeway},
	})
	return p, err
}

func (p party) seal(ctx context.Context) (string, error) {
	return p.sealer.Seal(ctx, seal.Claims{Subject: "u-42"})
}

// config returns the configuration of a ring. If memory is not empty, the ring has a memory in that
// file.
func config(store keyring.Store, kek keyring.KEK, name, memory string) keyring.Config {
	cfg := keyring.Config{Store: store, KEK: kek}
	if memory != "" {
		cfg.Memory = filestore.NewMemory(name, memory)
	}
	return cfg
}

func kekOf(text string) (keyring.KEK, error) {
	key, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return keyring.NewKEK(key)
}

// History has every document of a ring that was written, in order.
type History [][]byte

// generation holds the contents of a document of the history.
type generation struct {
	number uint64
	keys   []keyring.KeyInfo
}

// read opens every document.
func (h History) read(t testing.TB, kek keyring.KEK) (all []generation) {
	t.Helper()
	for i, doc := range h {
		ring, err := keyring.Open(t.Context(), keyring.Config{Store: frozen(doc), KEK: kek})
		if err != nil {
			t.Fatalf("document %d of %d: %v", i, len(h), err)
		}
		infos, err := ring.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, generation{ring.Checkpoint().Generation, infos})
	}
	return all
}

// frozen is a store with one document that never changes.
type frozen []byte

func (f frozen) Load(context.Context) ([]byte, string, error) { return bytes.Clone(f), "1", nil }

func (f frozen) Swap(context.Context, string, []byte) (string, error) {
	return "", errors.ErrUnsupported
}

// Times are measured durations.
type Times []time.Duration

// At returns the duration that a share of all does not exceed.
func (d Times) At(share float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func (d Times) String() string {
	ms := func(share float64) float64 { return float64(d.At(share)) / 1e6 }
	return fmt.Sprintf("p50 %.1f, p99 %.1f, max %.1f ms (of %d)", ms(0.5), ms(0.99), ms(1), len(d))
}
