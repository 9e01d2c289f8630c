package open_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
)

// spares returns more keys for the default suites, four of each.
func spares(suite keys.Suite) (ks []*testKey) {
	for i := range 4 {
		ks = append(ks, newTestKey(suite, fmt.Sprintf("spare-%d-%s", i, suite.Alg()), newP256()))
	}
	return ks
}

func noKid(f *forgery)      { f.Outer.Remove("kid") }
func noInnerKid(f *forgery) { f.Inner.Remove("kid") }

// At most three of the keys for the algorithm are tried.
func TestMissingKeyID(t *testing.T) {
	t.Parallel()
	signers, recipients := spares(keys.ES256), spares(keys.ECDHES)
	allow := func(c *anyOpen) { c.Allow(open.KeyID) }
	signs := func(ks ...*testKey) func(c *anyOpen) {
		return func(c *anyOpen) {
			c.Allow(open.KeyID)
			c.Trust[0].Keys = publicSet(ks...)
		}
	}
	decrypts := func(ks ...*testKey) func(c *anyOpen) {
		return func(c *anyOpen) {
			c.Allow(open.KeyID)
			c.Decryption = privateSet(ks...)
		}
	}
	signedBy := func(k *testKey) func(f *forgery) { return func(f *forgery) { f.Inner.Remove("kid"); f.Signer = k.Key } }
	sealedTo := func(k *testKey) func(f *forgery) {
		return func(f *forgery) { f.Outer.Remove("kid"); f.Recipient = k.Key }
	}
	rows := []row{
		{"outside, not allowed", noKid, nil, open.ErrUnknownKey},
		{"inside, not allowed", noInnerKid, nil, open.ErrUnknownKey},
		{"outside, allowed inside", noKid, func(c *anyOpen) { c.Trust[0].AllowMissing = open.KeyID }, open.ErrUnknownKey},
		{"inside, allowed outside", noInnerKid, func(c *anyOpen) { c.AllowMissing = open.KeyID }, open.ErrUnknownKey},
		{"outside, one fits", noKid, allow, nil},
		{"inside, one fits", noInnerKid, allow, nil},
		{"in both, one fits", both(noKid, noInnerKid), allow, nil},

		{"outside, two fit and one is named", nil, decrypts(testKeyFor(keys.ECDHES), recipients[0]), nil},
		{"inside, two fit and one is named", nil, signs(testKeyFor(keys.ES256), signers[0]), nil},
		{"inside, four fit and one is named", nil, signs(append(signers[:3:3], testKeyFor(keys.ES256))...), nil},
		{"inside, four fit", signedBy(signers[0]), signs(signers...), open.ErrUnknownKey},
		{"inside, three fit and more are for other algorithms", signedBy(signers[2]), signs(append(signers[:3:3], testKeyFor(keys.RS256), testKeyFor(keys.EdDSA))...), nil},
		{"inside, none of three", signedBy(signers[3]), signs(signers[:3]...), open.ErrNotAuthentic},
		{"inside, none of one", signedBy(signers[3]), signs(signers[0]), open.ErrNotAuthentic},
		{"outside, none of three", sealedTo(recipients[3]), decrypts(recipients[:3]...), open.ErrNotAuthentic},
		{"outside, none of one", sealedTo(recipients[3]), decrypts(recipients[0]), open.ErrNotAuthentic},
		{"outside, the fourth", sealedTo(recipients[3]), decrypts(recipients...), open.ErrNotAuthentic},

		{"outside, none fits", func(f *forgery) { noKid(f); f.Outer.Set("alg", `"A256KW"`) }, allow, open.ErrUnknownKey},
		{"inside, none fits", func(f *forgery) { noInnerKid(f); f.Inner.Set("alg", `"HS256"`) }, allow, open.ErrUnknownKey},
		{"outside, alg is empty", func(f *forgery) { noKid(f); f.Outer.Set("alg", `""`) }, decrypts(testKeyFor(keys.ECDHES)), open.ErrUnknownKey},
		{"inside, alg is empty", func(f *forgery) { noInnerKid(f); f.Inner.Set("alg", `""`) }, signs(testKeyFor(keys.ES256)), open.ErrUnknownKey},
		{"inside, another issuer's only key", noInnerKid, func(c *anyOpen) {
			c.Trust = []open.Issuer{{ID: issuerID, Keys: publicSet(signers[0])}, {ID: otherID, Keys: publicSet(testKeyFor(keys.ES256))}}
			c.Allow(open.KeyID)
		}, open.ErrNotAuthentic},
		{"inside, allowed to another issuer", noInnerKid, func(c *anyOpen) {
			c.Trust = append(c.Trust, open.Issuer{ID: otherID, Keys: publicSet(signers[0]), AllowMissing: open.KeyID})
		}, open.ErrUnknownKey},
		{"inside, a decryption key of the issuer", noInnerKid, signs(testKeyFor(keys.ECDHES)), open.ErrUnknownKey},
	}
	for i := range 3 {
		rows = append(rows,
			row{fmt.Sprintf("outside, key %d of three", i), sealedTo(recipients[i]), decrypts(recipients[:3]...), nil},
			row{fmt.Sprintf("outside, key %d of four", i), sealedTo(recipients[i]), decrypts(recipients...), nil},
			row{fmt.Sprintf("inside, key %d of three", i), signedBy(signers[i]), signs(signers[:3]...), nil})
	}
	run(t, rows)
}

// another returns a second key of a suite. Two moduli serve all RSA keys.
func another(suite keys.Suite) *testKey {
	switch suite {
	case keys.RSAOAEP256:
		return newTestKey(suite, "another-rsa", testKeyFor(keys.RSAOAEP).Private)
	case keys.RSAOAEP:
		return newTestKey(suite, "another-rsa", testKeyFor(keys.RSAOAEP256).Private)
	}
	return newTestKey(suite, "another-"+suite.Alg(), newP256())
}

// A decryption that fails wipes the text in its place. The next key gets the original text.
func TestTriedInTurn(t *testing.T) {
	t.Parallel()
	for _, suite := range managementSuites {
		for _, content := range allContents {
			f := forgeWith(keys.ES256, suite, content)
			noKid(f)
			cfg := config()
			cfg.Allow(open.KeyID)
			cfg.Decryption = privateSet(another(suite), testKeyFor(suite))
			if tok := accepted(t, cfg, f.Token()); tok.DecryptionKeyID() != testKeyFor(suite).Kid {
				t.Errorf("%v, %v: decrypted with %s", suite, content, tok.DecryptionKeyID())
			}
		}
	}
}

// Every fault in the encryption of a token without kid gives one error. All keys are tried before
// it, whichever of them the token was sealed to.
func TestTriedFailsAlike(t *testing.T) {
	t.Parallel()
	flip := func(part func(p *parts) []byte) func(f *forgery) {
		return func(f *forgery) {
			f.BendParts = func(p *parts) {
				if b := part(p); len(b) > 0 {
					b[len(b)-1] ^= 1
				}
			}
		}
	}
	tag := flip(func(p *parts) []byte { return p.Tag })
	for _, suite := range managementSuites {
		counted, cfg := [2]*counting{}, config()
		cfg.Allow(open.KeyID)
		ours := []*testKey{testKeyFor(suite), another(suite)}
		var held []*keys.Key
		for i, k := range ours {
			counted[i] = &counting{kms: kmsOf(k)}
			held = append(held, counted[i].key(k))
		}
		cfg.Decryption = keytest.NewSet(held...)
		bends := map[string]func(f *forgery){
			"tag":         tag,
			"ciphertext":  flip(func(p *parts) []byte { return p.Ciphertext }),
			"iv":          flip(func(p *parts) []byte { return p.IV }),
			"tag and key": func(f *forgery) { tag(f); f.CEK = make([]byte, 32); f.Secret = make([]byte, 32) },
		}
		if suite != keys.ECDHES {
			bends["encrypted key"] = flip(func(p *parts) []byte { return p.EncryptedKey })
		}
		for name, bend := range bends {
			for i, k := range ours {
				f := forgeWith(keys.ES256, suite, keys.A128CBCHS256)
				f.Recipient = k.Key
				noKid(f)
				bend(f)
				counted[0].calls, counted[1].calls = 0, 0
				_, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock)
				if err != open.ErrNotAuthentic || counted[0].calls != 1 || counted[1].calls != 1 {
					t.Errorf("%v, key %d, %s: %v after %d and %d calls", suite, i, name, err, counted[0].calls, counted[1].calls)
				}
			}
		}
		// A fault that every key refuses before its use gives the same error.
		for name, bend := range map[string]func(f *forgery){
			"enc": outer("enc", `"A192GCM"`), "no enc": noOuter("enc"), "apu": outer("apu", "1"),
			"epk": outer("epk", "{}"), "no epk": noOuter("epk"),
			"a short tag":          func(f *forgery) { f.BendParts = func(p *parts) { p.Tag = p.Tag[1:] } },
			"a long encrypted key": func(f *forgery) { f.BendParts = func(p *parts) { p.EncryptedKey = append(p.EncryptedKey, 0) } },
			"a short encrypted key": func(f *forgery) {
				f.BendParts = func(p *parts) { p.EncryptedKey = p.EncryptedKey[:len(p.EncryptedKey)/2] }
			},
		} {
			f := forgeWith(keys.ES256, suite, keys.A128CBCHS256)
			noKid(f)
			bend(f)
			tok, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock)
			means := strings.HasSuffix(name, "enc") || strings.HasSuffix(name, "key") || strings.HasSuffix(name, "tag")
			switch { // RSA ignores an epk, and an empty encrypted key has no half
			case isOAEP(suite) && !means, suite == keys.ECDHES && name == "a short encrypted key":
				if err != nil {
					t.Errorf("%v, %s: %v", suite, name, err)
				}
			case err != open.ErrNotAuthentic || tok != nil:
				t.Errorf("%v, %s: %v", suite, name, err)
			}
		}
	}
}

// counting is a key that lives elsewhere and counts its calls.
type counting struct {
	*kms
	calls int
}

func (c *counting) ECDH(public *ecdh.PublicKey) ([]byte, error) {
	c.calls++
	return c.kms.ECDH(public)
}

func (c *counting) Decrypt(random io.Reader, text []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	c.calls++
	return c.kms.Decrypt(random, text, opts)
}

func (c *counting) key(k *testKey) *keys.Key {
	if c.rsa != nil {
		return must(keys.FromDecrypter(k.Kid, k.Suite, c))
	}
	return must(keys.FromKeyExchanger(k.Kid, k.Suite, c))
}

// If a key cannot be reached, the error does not judge the token, unless another key opens it.
func TestTriedOutage(t *testing.T) {
	t.Parallel()
	for _, suite := range managementSuites {
		away, k := inKMS(suite)
		other := another(suite)
		cfg := config()
		cfg.Allow(open.KeyID)
		cfg.Decryption = keytest.NewSet(k, other.Held)
		away.err = fmt.Errorf("%w: no route", keys.ErrUnavailable)
		f := forgeWith(keys.ES256, suite, keys.A256GCM)
		noKid(f)
		refused(t, cfg, f.Token(), open.ErrKeySource)
		set := keytest.NewSet(k, other.Held)
		cfg.Decryption = &reloading{PrivateSource: set, later: set}
		refused(t, cfg, f.Token(), open.ErrKeySource) // even after a reload that brings no key
		f.Recipient = other.Key
		accepted(t, cfg, f.Token())
	}
}

// reloading is a source that returns another set after a Reload.
type reloading struct {
	keys.PrivateSource
	later   *keys.Set
	err     error
	reloads int
}

func (r *reloading) Reload(context.Context) (*keys.Set, error) {
	r.reloads++
	return r.later, r.err
}

// If all keys fail, a source that can reload does so once, and the new keys are tried.
func TestTriedAfterReload(t *testing.T) {
	t.Parallel()
	all := spares(keys.ECDHES)
	down := errors.New("the store is down")
	for _, tt := range []struct {
		name    string
		to      *testKey
		later   []*testKey
		err     error
		reloads int
		want    error
	}{
		{"known", all[0], nil, nil, 0, nil},
		{"new", all[2], all[1:3], nil, 1, nil},
		{"new, behind three that failed", all[3], append(all[:3:3], all[3]), nil, 1, nil},
		{"unknown", all[3], all[:2], nil, 1, open.ErrNotAuthentic},
		{"unknown, and the source fails", all[3], nil, down, 1, open.ErrKeySource},
		{"unknown, and the source has nothing", all[3], nil, nil, 1, open.ErrKeySource},
	} {
		source := &reloading{PrivateSource: privateSet(all[:2]...), err: tt.err}
		if tt.later != nil {
			source.later = privateSet(tt.later...)
		}
		cfg := config()
		cfg.Allow(open.KeyID)
		cfg.Decryption = source
		f := forgeNested()
		f.Recipient = tt.to.Key
		noKid(f)
		tok, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock)
		if !errors.Is(err, tt.want) || (tok == nil) == (tt.want == nil) || source.reloads != tt.reloads {
			t.Errorf("%s: %v after %d reloads", tt.name, err, source.reloads)
		}
		if tok != nil && tok.DecryptionKeyID() != tt.to.Kid {
			t.Errorf("%s: decrypted with %s", tt.name, tok.DecryptionKeyID())
		}
	}
}
