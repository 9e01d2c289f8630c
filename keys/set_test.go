package keys

import (
	"encoding/json"
	"testing"
)

func TestNewSet(t *testing.T) {
	sig, sig2, ed := generated(t, ES256), generated(t, ES256), generated(t, EdDSA)
	enc, enc2, oaep := generated(t, ECDHES), generated(t, ECDHES), generated(t, RSAOAEP256)
	s := must(NewSet(sig.withoutPrivate(), sig2, ed, enc, enc2, oaep))(t)

	if k, err := s.SigningKey(); err != nil || k != sig2 {
		t.Errorf("signs with another than the first private signing key: %v", err)
	}
	for _, k := range []*Key{enc, enc2, oaep} {
		if got, ok := s.DecryptionKey(k.ID()); !ok || got != k {
			t.Errorf("%v does not open", k.Suite())
		}
	}
	for _, kid := range []string{"", "unknown", sig.ID(), sig2.ID()} {
		if _, ok := s.DecryptionKey(kid); ok {
			t.Errorf("kid %q opens", kid)
		}
	}
	for alg, want := range map[string]*Key{"ECDH-ES": nil, "RSA-OAEP-256": oaep, "ECDH-ES+A256KW": nil, "ES256": nil, "EdDSA": nil, "": nil} {
		if k, ok := s.OnlyDecryptionKey(alg); ok != (want != nil) || k != want {
			t.Errorf("the only key for %q: %v", alg, ok)
		}
	}
	if s.MaxTokenLifetime() != 0 {
		t.Errorf("a bound of %v out of nowhere", s.MaxTokenLifetime())
	}
	if self, err := s.Private(t.Context()); self != s || err != nil {
		t.Error("not a source of itself")
	}

	p := must(s.Public(t.Context(), "any"))(t)
	for _, k := range []*Key{sig, sig2, ed} {
		if got, ok := p.VerificationKey(k.ID()); !ok || got.HasPrivate() || got.private != nil {
			t.Errorf("%v: published %v", k.Suite(), ok)
		}
	}
	if k, err := p.EncryptionKey(); err != nil || k.ID() != enc.ID() || len(p.Keys()) != 4 {
		t.Errorf("publishes another than the first encryption key: %v", err)
	}
	checkPublished(t, must(json.Marshal(p))(t), false)
}

func TestSetWithoutKeys(t *testing.T) {
	for name, ks := range map[string][]*Key{
		"empty":   nil,
		"public":  {generated(t, ES256).withoutPrivate(), generated(t, ECDHES).withoutPrivate()},
		"enc":     {generated(t, ECDHES)},
		"RSA enc": {generated(t, RSAOAEP256)},
	} {
		s := must(NewSet(ks...))(t)
		_, err := s.SigningKey()
		wantError(t, err, ErrNoKey)
		if name != "public" {
			continue
		}
		if _, ok := s.DecryptionKey(ks[1].ID()); ok {
			t.Error("a public key opens")
		}
		if _, ok := s.OnlyDecryptionKey("ECDH-ES"); ok {
			t.Error("a public key is the only one to open")
		}
	}
}

func TestNewSetRefuses(t *testing.T) {
	a, b := generated(t, ES256), generated(t, ES256)
	asEnc := must(ParseKey(must(json.Marshal(with(asMap(t, must(a.private())(t)), map[string]any{"kid": "x", "use": nil, "alg": nil})))(t), As{Use: UseEnc}))(t)
	for name, c := range map[string]struct {
		ks   []*Key
		want error
	}{
		"nil":                 {[]*Key{a, nil}, ErrMalformed},
		"twice":               {[]*Key{a, b, a}, ErrDuplicate},
		"same kid":            {[]*Key{a, withID(t, b, a.ID())}, ErrDuplicate},
		"same key":            {[]*Key{a, withID(t, a, "other")}, ErrDuplicate},
		"same key, other use": {[]*Key{a, asEnc}, ErrDuplicate},
		"kid of another use":  {[]*Key{a, withID(t, generated(t, ECDHES), a.ID())}, ErrDuplicate},
	} {
		s, err := NewSet(c.ks...)
		if s != nil {
			t.Errorf("%s: accepted", name)
		}
		if wantError(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
	// A kid that looks like a thumbprint is only a kid.
	if _, err := NewSet(a, withID(t, b, a.Thumbprint())); err != nil {
		t.Error(err)
	}
}

func TestStaleSet(t *testing.T) {
	enc := generated(t, ECDHES)
	s := must(NewSet(generated(t, ES256), enc))(t).tooOld(0, nil)
	_, err := s.SigningKey()
	wantError(t, err, ErrStale)
	_, err = s.Public(t.Context(), "")
	wantError(t, err, ErrStale)
	if _, ok := s.DecryptionKey(enc.ID()); !ok {
		t.Error("a stale set does not open")
	}
	if _, ok := s.OnlyDecryptionKey("ECDH-ES"); !ok {
		t.Error("a stale set does not open without a kid")
	}
}
