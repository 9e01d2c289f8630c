// Package keytest makes rings and sets in memory, for tests of programs that seal or open
// tokens.
//
//	ring := keytest.NewRing()                  // signs and decrypts, with the default suites
//	idp := keytest.NewRing(keys.EdDSA)         // an issuer, which only signs
//	api := keytest.NewRing(keys.ECDHESX25519)  // a recipient, which only decrypts
//
// The functions panic when they cannot do their work, as the functions of net/http/httptest do, so
// that a test or an example needs no line for an error.
package keytest

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// NewRing returns a new ring in memory. It has keys for the use of each suite that is given.
// Without suites it has keys for both uses, of the default suites. NewRing panics when two suites
// have the same use. An RSA key takes about a second to make.
func NewRing(suites ...keys.Suite) *keyring.Ring {
	var cfg keyring.Config
	for _, s := range suites {
		cfg.Uses = append(cfg.Uses, s.Use())
		if s.Use() == keys.UseSig {
			cfg.Policy.Sig.Suites = append(cfg.Policy.Sig.Suites, s)
		} else {
			cfg.Policy.Enc.Suites = append(cfg.Policy.Enc.Suites, s)
		}
	}
	key := make([]byte, 32)
	rand.Read(key)
	kek, err := keyring.NewKEK(key)
	if err != nil {
		panic(fmt.Sprintf("keytest: %v", err))
	}
	cfg.Store, cfg.KEK = keyring.NewMemStore(), kek
	ring, err := keyring.Create(context.Background(), cfg)
	if err != nil {
		panic(fmt.Sprintf("keytest: %v", err))
	}
	return ring
}

// NewKey returns a new key for a suite. It panics for a suite that does not exist or that this
// process may not use.
func NewKey(suite keys.Suite) *keys.Key {
	k, err := keys.GenerateKey(suite)
	if err != nil {
		panic(fmt.Sprintf("keytest: %v", err))
	}
	return k
}

// NewSet returns a set of fixed keys. The first private signing key signs, every signing
// key verifies, every private encryption key decrypts, and the first encryption key is
// the one to encrypt to. It panics for a nil key, and when two keys share a kid or a thumbprint.
func NewSet(ks ...*keys.Key) *keys.Set {
	set, err := keys.NewSet(SetConfig(ks...))
	if err != nil {
		panic(fmt.Sprintf("keytest: %v", err))
	}
	return set
}

// SetConfig returns the configuration with which [NewSet] makes its set, for a test that changes
// that configuration. It panics for a nil key.
func SetConfig(ks ...*keys.Key) keys.SetConfig {
	cfg := keys.SetConfig{Published: []*keys.Key{}}
	encryption := false
	for _, k := range ks {
		if k == nil {
			panic("keytest: nil key")
		}
		switch {
		case k.Use() == keys.UseSig:
			if cfg.Signing == nil && k.HasPrivate() {
				cfg.Signing = k
			}
			cfg.Published = append(cfg.Published, k)
		case !encryption:
			encryption = true
			cfg.Published = append(cfg.Published, k)
		}
		if k.Use() == keys.UseEnc && k.HasPrivate() {
			cfg.Decryption = append(cfg.Decryption, k)
		}
	}
	return cfg
}
