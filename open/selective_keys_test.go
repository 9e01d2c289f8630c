package open_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// Our keys are not used on a token that no trusted issuer has signed, that is not for us, or that
// has expired.
func TestSignatureFirst(t *testing.T) {
	t.Parallel()
	unsigned := visible(func(f *forgery) {
		f.Sign = func(input []byte) []byte { return flip(f.Signer.Sign(input), 5) }
	})
	forbid := func(c *anyOpen) { c.Decryption = forbidden{t} }
	rows := []selectiveRow{{"signature alone", unsigned, forbid, open.ErrNotAuthentic}}
	for name, bend := range map[string]func(s *selective){
		"sealed missing": sealedAs(""), "sealed empty": sealedAs("[]"), "sealed null": sealedAs("null"), "no JWE": sealedAs(`["hello"]`),
		"jti of another": ours(outer("jti", `"other"`)), "no iss in the JWE": ours(noOuter("iss")), "no jti": visible(noClaim("jti")),
		"cty": ours(outer("cty", `"JWT"`)), "no kid": ours(noOuter("kid")), "crit": ours(outer("crit", "[]")),
		"tag": ours(bendParts(func(p *parts) { p.Tag = flip(p.Tag, 0) })), "epk": ours(outer("epk", offCurve)),
		"not claims": ours(plaintext("hello")), "a registered claim": sealedClaim("nbf", "1"), "a twin": sealedClaim("scope", "1"),
		"expired": visible(claim("exp", seconds(-100))), "another audience": visible(claim("aud", quoted(billing))),
		"exp null": visible(claim("exp", "null")), "unknown kid": ours(outer("kid", `"unknown"`)),
	} {
		rows = append(rows, selectiveRow{"signature, and " + name, both(bend, unsigned), forbid, open.ErrNotAuthentic})
	}
	// These tokens are signed, and there is nothing to decrypt.
	for name, tt := range map[string]struct {
		bend func(s *selective)
		want error
	}{
		"expired":           {visible(claim("exp", seconds(-100))), open.ErrExpired},
		"not yet valid":     {visible(claim("nbf", seconds(100))), open.ErrNotYetValid},
		"another audience":  {visible(claim("aud", quoted(billing))), open.ErrAudience},
		"another issuer":    {visible(claim("iss", quoted(strangerID))), open.ErrIssuer},
		"another type":      {visible(func(f *forgery) { f.Inner.Set("typ", `"at+jwt"`) }), open.ErrType},
		"a long lifetime":   {visible(claim("exp", seconds(86400))), open.ErrLifetime},
		"no sealed":         {sealedAs(""), open.ErrType},
		"jti of another":    {ours(outer("jti", `"other"`)), open.ErrClaims},
		"no jti":            {both(visible(noClaim("jti")), ours(noOuter("jti"))), open.ErrClaims},
		"a later JWE's cty": {ours(outer("cty", `"JWT"`)), open.ErrType},
		"one kid twice":     {theirs(outer("kid", quoted("kid-of-ECDH-ES"))), open.ErrClaims},
		"unsecured": {visible(func(f *forgery) {
			f.Inner.Set("alg", `"none"`)
			f.Sign = func([]byte) []byte { return nil }
		}), open.ErrAlgorithm},
	} {
		rows = append(rows, selectiveRow{"signed, " + name, tt.bend, forbid, tt.want})
	}
	runSelective(t, rows)
}

// A gateway has no source of private keys, so it calls none for any token.
func TestGatewayCallsNoSource(t *testing.T) {
	t.Parallel()
	cfg := selectiveConfig()
	gateway(&cfg)
	s := forgeSelective()
	tok := accepted(t, cfg, s.Token())
	if tok.DecryptionKeyID() != "" || tok.SealedNames() != nil || tok.SealedForOthers() != 2 || tok.SigningKeyID() != "kid-of-ES256" {
		t.Errorf("decrypted with %q: %q, and %d for others", tok.DecryptionKeyID(), tok.SealedNames(), tok.SealedForOthers())
	}
	// It reads the claims in clear, without the JWEs and without an empty sealed.
	if got := string(rawClaims(t, tok)); got != s.Claims.Text() {
		t.Errorf("claims are %s", got)
	}
}

// TestSelectiveKeys is about the keys that the JWEs name.
func TestSelectiveKeys(t *testing.T) {
	t.Parallel()
	good := config().Decryption.(*keys.Set)
	others := privateSet(testKeyFor(keys.ECDHESA256KW))
	t.Run("none for us", func(t *testing.T) {
		cfg := selectiveConfig()
		cfg.Decryption = others
		refused(t, cfg, forgeSelective().Token(), open.ErrUnknownKey, forgeSelective().Secrets()...)
		s := forgeSelective()
		s.Ours().Outer.Set("kid", `"kid-of-ECDH-E"`)
		refused(t, selectiveConfig(), s.Token(), open.ErrUnknownKey, s.Secrets()...)
	})
	t.Run("a signing key's kid", func(t *testing.T) {
		cfg := selectiveConfig()
		cfg.Decryption = privateSet(append(keysFor(managementSuites), testKeyFor(keys.ES256))...)
		s := forgeSelective()
		s.Ours().Outer.Set("kid", quoted(testKeyFor(keys.ES256).Kid))
		refused(t, cfg, s.Token(), open.ErrUnknownKey, s.Secrets()...)
	})
	t.Run("asked once", func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "passed on")
		source := &keySource{set: good}
		cfg := selectiveConfig()
		cfg.Decryption = source
		if _, err := newOpener(t, cfg).OpenAt(ctx, forgeSelective().Token(), clock); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(source.asked, []string{"private"}) || source.ctx.Value(key{}) != "passed on" {
			t.Errorf("asked for %q", source.asked)
		}
	})
	down := errors.New("the store is down")
	t.Run("failing", func(t *testing.T) {
		cfg := selectiveConfig()
		cfg.Decryption = &keySource{err: down}
		tok, err := newOpener(t, cfg).OpenAt(t.Context(), forgeSelective().Token(), clock)
		if tok != nil || !errors.Is(err, open.ErrKeySource) || !errors.Is(err, down) {
			t.Errorf("%v, %v", tok, err)
		}
		refused(t, cfg, forgeSelective().Token(), open.ErrKeySource, forgeSelective().Secrets()...)
	})
	t.Run("reloading", func(t *testing.T) {
		source := &reloadable{keySource: keySource{set: others}}
		cfg := selectiveConfig()
		cfg.Decryption = source
		refused(t, cfg, forgeSelective().Token(), open.ErrUnknownKey)
		if source.reloads != 1 {
			t.Errorf("%d reloads for a token with nothing for us", source.reloads)
		}
		source.after = good
		if tok := accepted(t, cfg, forgeSelective().Token()); len(tok.SealedNames()) != 3 {
			t.Errorf("after a reload it reads %q", tok.SealedNames())
		}
		source.reloadErr = down
		refused(t, cfg, forgeSelective().Token(), open.ErrKeySource)
		// A JWE for us causes no reload, whether it was changed or not, and for any
		// other recipients. A JWE that is refused anyway causes none either.
		source.set, source.reloads = good, 0
		accepted(t, cfg, forgeSelective().Token())
		s := forgeSelective()
		s.Ours().BendParts = func(p *parts) { p.Tag = flip(p.Tag, 0) }
		refused(t, cfg, s.Token(), open.ErrNotAuthentic)
		s = forgeSelective()
		s.Ours().Outer.Remove("kid")
		refused(t, cfg, s.Token(), open.ErrClaims)
		if source.reloads != 0 {
			t.Errorf("%d reloads for nothing", source.reloads)
		}
	})
}

// Another process brings a key, which opens a token. After the rotation has destroyed a key, its
// token is lost.
func TestSelectiveRing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		kek := must(keyring.NewKEK(make([]byte, 32)))
		memory := keyring.NewMemStore()
		store := &countingStore{Store: memory}
		ring := must(keyring.Create(ctx, keyring.Config{Store: store, KEK: kek}))
		cfg := selectiveConfig()
		cfg.Decryption = ring
		opener := newOpener(t, cfg)
		sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Signing:    privateSet(testKeyFor(keys.ES256)),
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: ring}},
		}, Selective: true}))
		old := must(sealer.Seal(ctx, seal.Claims{Custom: map[string]any{"email": "ada@example.com"}}))
		nested := must(must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Signing:    privateSet(testKeyFor(keys.ES256)),
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: ring}},
		}})).Seal(ctx, seal.Claims{}))
		sealedAt := time.Now()
		tok, err := opener.Open(ctx, old)
		if err != nil {
			t.Fatal(err)
		}
		oldKey := tok.DecryptionKeyID()

		// The operator adds a key, which costs one load.
		operator := must(keyring.Open(ctx, keyring.Config{Store: memory, KEK: kek}))
		next := newTestKey(keys.ECDHES, "brought-by-the-operator", newP256())
		if err := next.ImportInto(ctx, operator, keyring.Staged); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		s := forgeSelective().Fresh()
		s.JWEs[1].Recipient = next.Key
		s.JWEs[1].Outer.Set("kid", quoted(next.Kid))
		before := store.loads.Load()
		tok, err = opener.Open(ctx, s.Token())
		if err != nil || tok.DecryptionKeyID() != next.Kid || store.loads.Load() != before+1 {
			t.Fatalf("%v after %d loads", err, store.loads.Load()-before)
		}
		s.JWEs[1].Outer.Set("kid", `"unknown"`)
		for range 10 {
			if _, err := opener.Open(ctx, s.Token()); !errors.Is(err, open.ErrUnknownKey) {
				t.Fatal(err)
			}
		}
		if store.loads.Load() != before+1 {
			t.Errorf("strangers' kids caused %d loads", store.loads.Load()-before-1)
		}

		// The ring rotates until the old key is gone.
		for {
			step, err := operator.Rotate(ctx, keys.UseEnc)
			if err != nil {
				t.Fatal(err)
			}
			if step.Action == keyring.Destroy && step.KeyID == oldKey {
				break
			}
			if _, err := opener.OpenAt(ctx, old, sealedAt); err != nil {
				t.Fatalf("before its key was destroyed: %v", err)
			}
			if step.Action == keyring.Nothing {
				time.Sleep(time.Until(step.At))
			}
		}
		time.Sleep(2 * time.Minute)
		tok, err = opener.OpenAt(ctx, old, sealedAt)
		if tok != nil || !errors.Is(err, open.ErrUnknownKey) {
			t.Errorf("after its key was destroyed: %v, %v", tok, err)
		}
		if refusal, ok := errors.AsType[*open.Error](err); !ok || !strings.Contains(refusal.Detail(), "destroyed") {
			t.Errorf("its detail is %v", err)
		}
		nestedConfig := config()
		nestedConfig.Decryption = ring
		_, err = newOpener(t, nestedConfig).OpenAt(ctx, nested, sealedAt)
		if refusal, ok := errors.AsType[*open.Error](err); !ok || !errors.Is(err, open.ErrUnknownKey) || !strings.Contains(refusal.Detail(), "destroyed") {
			t.Errorf("a nested token: %v", err)
		}

		// A JWE for another key of ours does not help: claims are missing.
		now := must(ring.PrivateKeys(ctx)).DecryptionKeyIDs()
		s = forgeSelective().Fresh()
		s.JWEs[0].Outer.Set("kid", quoted(oldKey))
		s.JWEs[1].Recipient = next.Key
		s.JWEs[1].Outer.Set("kid", quoted(next.Kid))
		if !slices.Contains(now, next.Kid) {
			t.Fatalf("%s is not among %q", next.Kid, now)
		}
		if tok, err := opener.Open(ctx, s.Token()); tok != nil || !errors.Is(err, open.ErrUnknownKey) {
			t.Errorf("one of two keys was destroyed: %v, %v", tok, err)
		}
	})
}
