package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// configOf returns the configuration of a party that uses its keys for all that they can do.
func configOf(ks ...ownKey) SetConfig {
	cfg := SetConfig{Published: []*Key{}}
	for _, k := range ks {
		if k.Use() == UseEnc {
			cfg.Decryption = append(cfg.Decryption, k.Key)
		} else if cfg.Signing == nil {
			cfg.Signing = k.Key
		}
		cfg.Published = append(cfg.Published, k.Key)
	}
	return cfg
}

func TestNewSet(t *testing.T) {
	sig, old, ed := generated(t, ES256), generated(t, ES256), generated(t, EdDSA)
	enc, enc2, oaep := generated(t, ECDHES), generated(t, ECDHES), generated(t, RSAOAEP256)
	s := must(NewSet(SetConfig{
		Signing: sig.Key, Decryption: []*Key{enc.Key, enc2.Key, oaep.Key},
		Published: []*Key{old.Key, sig.Key, ed.Key, enc2.Key, enc.Key},
	}))(t)

	if k, err := s.SigningKey(); err != nil || k != sig.Key {
		t.Errorf("signs with another key: %v", err)
	}
	for _, k := range []ownKey{enc, enc2, oaep} {
		if got, ok := heldKey(s, k.ID()); !ok || got != k.Key {
			t.Errorf("%v does not open", k.Suite())
		}
	}
	for _, kid := range []string{"", "unknown", sig.ID(), old.ID()} {
		if _, ok := heldKey(s, kid); ok {
			t.Errorf("kid %q opens", kid)
		}
	}
	want := []string{enc.ID(), enc2.ID(), oaep.ID()}
	slices.Sort(want)
	if got := s.DecryptionKeyIDs(); !slices.Equal(got, want) {
		t.Errorf("kids %q, want %q", got, want)
	}
	for alg, want := range map[string][]*Key{"ECDH-ES": {enc.Key, enc2.Key}, "RSA-OAEP-256": {oaep.Key}, "ECDH-ES+A256KW": nil, "ES256": nil, "EdDSA": nil, "": nil} {
		if got := s.tried(alg); !slices.Equal(got, want) {
			t.Errorf("tried for %q: %d keys, want %d", alg, len(got), len(want))
		}
	}
	if s.MaxTokenLifetime() != 0 || s.WasErased("") || s.WasErased(enc.ID()) {
		t.Errorf("a bound of %v, or an erased key, out of nowhere", s.MaxTokenLifetime())
	}
	if self, err := s.PrivateKeys(t.Context()); self != s || err != nil {
		t.Error("not a source of itself")
	}

	p := must(s.PublicKeys(t.Context(), "any"))(t)
	for _, k := range []ownKey{sig, old, ed} {
		if got, err := p.VerificationKey(k.ID(), k.Suite().Alg()); err != nil || got.HasPrivate() {
			t.Errorf("%v: published %v", k.Suite(), err)
		}
	}
	if k, err := p.EncryptionKey(); err != nil || k.ID() != enc2.ID() || k.HasPrivate() || len(p.Keys()) != 5 {
		t.Errorf("publishes another than the first encryption key: %v", err)
	}
	if k, err := p.EncryptionKey(RSAOAEP256); k != nil || !errors.Is(err, ErrNoKey) {
		t.Errorf("publishes a key that it should not: %v", err)
	}
	checkPublished(t, must(json.Marshal(p))(t), false)
}

// Without Published the set publishes the active signing key and the first decryption key.
func TestSetPublishesByDefault(t *testing.T) {
	sig, enc, enc2, staged := generated(t, ES256).Key, generated(t, ECDHES).Key, generated(t, ECDHES).Key, generated(t, ECDHES).Key
	for _, c := range []struct {
		cfg  SetConfig
		want []*Key
	}{
		{SetConfig{}, nil},
		{SetConfig{Signing: sig}, []*Key{sig}},
		{SetConfig{Decryption: []*Key{enc, enc2}}, []*Key{enc}},
		{SetConfig{Signing: sig, Decryption: []*Key{enc2, enc}, Staged: []*Key{staged}}, []*Key{sig, enc2}},
		{SetConfig{Staged: []*Key{staged}}, nil},
		{SetConfig{Signing: sig, Decryption: []*Key{enc}, Published: []*Key{}}, nil},
		{SetConfig{Signing: sig, Decryption: []*Key{enc}, Published: []*Key{enc2}}, []*Key{enc2}},
	} {
		p := must(must(NewSet(c.cfg))(t).PublicKeys(t.Context(), ""))(t)
		var got, want []string
		for _, k := range p.Keys() {
			got = append(got, k.ID())
			if k.HasPrivate() {
				t.Errorf("%s is published with its private half", k.ID())
			}
		}
		for _, k := range c.want {
			want = append(want, k.ID())
		}
		if !slices.Equal(got, want) {
			t.Errorf("publishes %q, want %q", got, want)
		}
	}
}

// A staged key opens tokens. For a token without a kid it is tried third: another process may have
// published it since.
func TestStagedKeys(t *testing.T) {
	known, staged, wraps := generated(t, ECDHES), generated(t, ECDHES), generated(t, ECDHESA256KW)
	s := must(NewSet(SetConfig{Decryption: []*Key{known.Key}, Staged: []*Key{staged.Key, wraps.Key}}))(t)
	second, older := generated(t, ECDHES), generated(t, ECDHES)
	four := must(NewSet(SetConfig{Decryption: []*Key{known.Key, second.Key, older.Key}, Staged: []*Key{staged.Key}}))(t)
	if got := four.tried("ECDH-ES"); !slices.Equal(got, []*Key{known.Key, second.Key, staged.Key, older.Key}) {
		t.Errorf("of four keys, tried: %v", got)
	}
	for _, k := range []ownKey{known, staged, wraps} {
		if got, ok := heldKey(s, k.ID()); !ok || got != k.Key {
			t.Errorf("%s does not open", k.ID())
		}
	}
	for alg, want := range map[string][]*Key{"ECDH-ES": {known.Key, staged.Key}, "ECDH-ES+A256KW": {wraps.Key}} {
		if got := s.tried(alg); !slices.Equal(got, want) {
			t.Errorf("tried for %s: %v", alg, got)
		}
	}
	if got := s.DecryptionKeyIDs(); len(got) != 3 {
		t.Errorf("kids %q", got)
	}
}

func TestSetFacts(t *testing.T) {
	enc := generated(t, ECDHES)
	s := must(NewSet(SetConfig{Decryption: []*Key{enc.Key}, Erased: []string{"old", "older"}, MaxTokenLifetime: time.Hour}))(t)
	if s.MaxTokenLifetime() != time.Hour {
		t.Errorf("a bound of %v", s.MaxTokenLifetime())
	}
	for kid, want := range map[string]bool{"old": true, "older": true, "oldest": false, "": false, enc.ID(): false} {
		if s.WasErased(kid) != want {
			t.Errorf("%q was erased: %v", kid, !want)
		}
		if _, ok := heldKey(s, kid); ok != (kid == enc.ID()) {
			t.Errorf("%q opens: %v", kid, ok)
		}
	}
}

// The set does not change when the caller changes its slices.
func TestSetCopiesItsConfig(t *testing.T) {
	a, b := generated(t, ECDHES).Key, generated(t, ECDHES).Key
	cfg := SetConfig{Decryption: []*Key{a}, Staged: []*Key{}, Published: []*Key{a}, Erased: []string{"old"}}
	s := must(NewSet(cfg))(t)
	cfg.Decryption[0], cfg.Published[0], cfg.Erased[0] = b, b, "new"
	p := must(s.PublicKeys(t.Context(), ""))(t)
	if _, ok := heldKey(s, a.ID()); !ok || !s.WasErased("old") || s.WasErased("new") || p.Keys()[0].ID() != a.ID() {
		t.Error("the caller can change the set")
	}
	s.DecryptionKeyIDs()[0] = ""
	if s.DecryptionKeyIDs()[0] != a.ID() {
		t.Error("the caller can change the kids")
	}
}

func TestSetWithoutKeys(t *testing.T) {
	for name, cfg := range map[string]SetConfig{
		"empty":   {},
		"enc":     {Decryption: []*Key{generated(t, ECDHES).Key}},
		"RSA enc": {Decryption: []*Key{generated(t, RSAOAEP256).Key}},
		"public":  {Published: []*Key{generated(t, ES256).withoutPrivate(), generated(t, ECDHES).withoutPrivate()}},
	} {
		s := must(NewSet(cfg))(t)
		_, err := s.SigningKey()
		wantError(t, err, ErrNoKey)
		if name != "public" {
			continue
		}
		if _, ok := heldKey(s, cfg.Published[1].ID()); ok {
			t.Error("a public key opens")
		}
		if got := s.tried("ECDH-ES"); len(got) != 0 {
			t.Error("a public key is tried")
		}
	}
}

func TestNewSetRefuses(t *testing.T) {
	a, b, enc, enc2 := generated(t, ES256), generated(t, ES256), generated(t, ECDHES), generated(t, ECDHES)
	asEnc := parsed(t, asJSON(t, with(asMap(t, a.jwk), map[string]any{"kid": "x", "use": nil, "alg": nil})), Hint{Use: UseEnc})
	asSig := parsed(t, asJSON(t, with(asMap(t, enc.jwk), map[string]any{"kid": "x", "use": nil, "alg": nil})), Hint{Use: UseSig})
	list := func(ks ...ownKey) (list []*Key) {
		for _, k := range ks {
			list = append(list, k.Key)
		}
		return list
	}
	pub := func(k ownKey) *Key { return k.withoutPrivate() }
	for name, c := range map[string]struct {
		cfg  SetConfig
		want error
	}{
		"nil, decryption": {SetConfig{Decryption: []*Key{enc.Key, nil}}, ErrMalformed},
		"nil, staged":     {SetConfig{Staged: []*Key{nil}}, ErrMalformed},
		"nil, published":  {SetConfig{Published: []*Key{a.Key, nil}}, ErrMalformed},
		"zero, published": {SetConfig{Published: []*Key{{}}}, ErrMalformed},
		"zero, staged":    {SetConfig{Staged: []*Key{{}}}, ErrMalformed},

		"signs without private half": {SetConfig{Signing: pub(a)}, ErrNoKey},
		"signs with another use":     {SetConfig{Signing: enc.Key}, ErrNoKey},
		"signs with the zero Key":    {SetConfig{Signing: &Key{}}, ErrNoKey},
		"opens without private half": {SetConfig{Decryption: []*Key{pub(enc)}}, ErrNoKey},
		"staged, no private half":    {SetConfig{Staged: []*Key{pub(enc)}}, ErrNoKey},
		"opens with another use":     {SetConfig{Decryption: list(a)}, ErrNoKey},
		"staged, another use":        {SetConfig{Staged: list(a)}, ErrNoKey},

		"published twice":          {SetConfig{Published: list(a, b, a)}, ErrDuplicate},
		"opens twice":              {SetConfig{Decryption: list(enc, enc2, enc)}, ErrDuplicate},
		"staged and known":         {SetConfig{Decryption: list(enc), Staged: list(enc)}, ErrDuplicate},
		"same kid, decryption":     {SetConfig{Decryption: list(enc, withID(t, enc2, enc.ID()))}, ErrDuplicate},
		"same kid, staged":         {SetConfig{Decryption: list(enc), Staged: list(withID(t, enc2, enc.ID()))}, ErrDuplicate},
		"same kid, published":      {SetConfig{Published: list(a, withID(t, b, a.ID()))}, ErrDuplicate},
		"same key, decryption":     {SetConfig{Decryption: list(enc, withID(t, enc, "other"))}, ErrDuplicate},
		"same key, staged":         {SetConfig{Decryption: list(enc), Staged: list(withID(t, enc, "other"))}, ErrDuplicate},
		"same key, published":      {SetConfig{Published: list(a, withID(t, a, "other"))}, ErrDuplicate},
		"same key, other use":      {SetConfig{Published: list(a, asEnc)}, ErrDuplicate},
		"kid of another use":       {SetConfig{Published: list(a, withID(t, enc, a.ID()))}, ErrDuplicate},
		"kid of another use, held": {SetConfig{Signing: a.Key, Decryption: list(withID(t, enc, a.ID())), Published: []*Key{}}, ErrDuplicate},
		"signs and opens":          {SetConfig{Signing: a.Key, Decryption: list(asEnc), Published: []*Key{}}, ErrDuplicate},
		"opens and signs":          {SetConfig{Signing: asSig.Key, Staged: list(enc), Published: []*Key{}}, ErrDuplicate},

		"a negative lifetime":      {SetConfig{Signing: a.Key, MaxTokenLifetime: -1}, ErrMalformed},
		"stale for another reason": {SetConfig{Signing: a.Key, Stale: ErrNoKey}, ErrMalformed},
		"held and erased":          {SetConfig{Decryption: list(enc), Erased: []string{enc.ID()}}, ErrMalformed},
		"staged and published":     {SetConfig{Staged: list(enc), Published: list(enc)}, ErrMalformed},
		"erased and published":     {SetConfig{Erased: []string{enc.ID()}, Published: list(enc)}, ErrMalformed},

		"published with another key":         {SetConfig{Signing: a.Key, Published: list(withID(t, b, a.ID()))}, ErrDuplicate},
		"published with another key, enc":    {SetConfig{Decryption: list(enc), Published: list(withID(t, enc2, enc.ID()))}, ErrDuplicate},
		"published with another key, staged": {SetConfig{Staged: list(enc), Published: list(withID(t, enc2, enc.ID()))}, ErrDuplicate},
		"published under another kid":        {SetConfig{Signing: a.Key, Published: list(withID(t, a, "other"))}, ErrDuplicate},
		"published under another kid, enc":   {SetConfig{Decryption: list(enc), Published: list(withID(t, enc, "other"))}, ErrDuplicate},
		"published for another use":          {SetConfig{Signing: a.Key, Published: list(withID(t, asEnc, a.ID()))}, ErrDuplicate},
	} {
		s, err := NewSet(c.cfg)
		if s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, s != nil, err, c.want)
		}
	}
	// A kid that looks like a thumbprint is only a kid.
	if _, err := NewSet(SetConfig{Published: list(a, withID(t, b, a.Thumbprint()))}); err != nil {
		t.Error(err)
	}
}

func TestStaleSet(t *testing.T) {
	enc := generated(t, ECDHES)
	cfg := configOf(generated(t, ES256), enc)
	cfg.Stale = fmt.Errorf("%w: the disk is gone", ErrStale)
	s := must(NewSet(cfg))(t)
	_, err := s.SigningKey()
	wantError(t, err, cfg.Stale)
	_, err = s.PublicKeys(t.Context(), "")
	wantError(t, err, cfg.Stale)
	if _, ok := heldKey(s, enc.ID()); !ok {
		t.Error("a stale set does not open")
	}
	if got := s.tried("ECDH-ES"); len(got) != 1 {
		t.Error("a stale set does not open without a kid")
	}
	if self, err := s.PrivateKeys(t.Context()); self != s || err != nil {
		t.Errorf("a stale set cannot be had: %v", err)
	}
}
