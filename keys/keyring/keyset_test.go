package keyring

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// recordIn returns a record with a new key of this suite in any state, and that key.
func recordIn(t testing.TB, suite keys.Suite, state State) (record, ownKey) {
	t.Helper()
	k := generated(t, suite)
	return recordOf(t, k, state), k
}

// recordOf returns a record with k. A revoked decryption key still has its private key.
func recordOf(t testing.TB, k ownKey, state State) record {
	t.Helper()
	stored := state
	if state == Destroyed || state == Revoked {
		stored = Staged // newRecord accepts none of these
	}
	r := must(newRecord(k.jwk, k.hint(), stored))(t)
	r.State, r.Created = state, newClock().now()
	if state == Destroyed || state == Revoked && k.Use() == keys.UseSig {
		r.JWK = nil
	}
	return r
}

func documentOf(records ...record) *document {
	return &document{Version: documentVersion, Identity: b64(make([]byte, identitySize)), Generation: 1, Nonce: "n", Policy: newPolicyDocument(Policy{}.withDefaults()), Keys: records}
}

// This is the table of the package documentation, with one key for each state and use.
func TestStateTable(t *testing.T) {
	for _, c := range []struct {
		suite                   keys.Suite
		state                   State
		signs, opens, published bool
		private                 bool
	}{
		{suite: keys.ES256, state: Staged, published: true, private: true},
		{suite: keys.ES256, state: Active, published: true, private: true, signs: true},
		{suite: keys.ES256, state: Retired, published: true},
		{suite: keys.ES256, state: Destroyed},
		{suite: keys.ES256, state: Revoked},
		{suite: keys.ECDHES, state: Staged, opens: true, private: true},
		{suite: keys.ECDHES, state: Active, opens: true, private: true, published: true},
		{suite: keys.ECDHES, state: Retired, opens: true, private: true},
		{suite: keys.ECDHES, state: Destroyed},
		{suite: keys.ECDHES, state: Revoked, opens: true, private: true},
	} {
		var records []record
		made := make(map[State]ownKey)
		for _, state := range []State{Staged, Active, Retired, Destroyed, Revoked} {
			r, k := recordIn(t, c.suite, state)
			records, made[state] = append(records, r), k
		}
		k := made[c.state]
		ring := openRing(t, storeWith(t, seal(t, documentOf(records...))), newClock().now)
		s := must(ring.PrivateKeys(t.Context()))(t)
		p := must(s.PublicKeys(t.Context(), ""))(t)

		signing, err := s.SigningKey()
		if signs := err == nil && signing.ID() == k.ID() && signing.HasPrivate(); signs != c.signs {
			t.Errorf("%v %s: signs %v", c.suite, c.state, signs)
		}
		opening, opens := heldKey(s, k.ID())
		if opens != c.opens || opens && !opening.HasPrivate() {
			t.Errorf("%v %s: opens %v", c.suite, c.state, opens)
		}
		verifies := p.HasVerificationKey(k.ID())
		enc, err := p.EncryptionKey()
		encrypts := err == nil && enc.ID() == k.ID()
		if published := verifies || encrypts; published != c.published || verifies != (c.suite.Use() == keys.UseSig && c.published) {
			t.Errorf("%v %s: published %v, verifies %v", c.suite, c.state, published, verifies)
		}
		if text := string(must(json.Marshal(p))(t)); strings.Contains(text, k.ID()) != c.published {
			t.Errorf("%v %s: in the JWK Set: %v", c.suite, c.state, !c.published)
		}
		infos := must(ring.Keys(t.Context()))(t)
		i := slices.IndexFunc(infos, func(i KeyInfo) bool { return i.ID == k.ID() })
		if got := infos[i]; got.State != c.state || got.HasPrivate != c.private || got.Suite != c.suite || got.Use != c.suite.Use() || got.Thumbprint != k.Thumbprint() {
			t.Errorf("%v %s: described as %+v", c.suite, c.state, got)
		}
	}
}

// A revoked decryption key whose private key was erased is a tombstone.
func TestErasedRevokedKey(t *testing.T) {
	r, k := recordIn(t, keys.ECDHES, Revoked)
	r.JWK, r.Reason, r.Ended = nil, "lost laptop", newClock().now().Add(time.Hour)
	ring := openRing(t, storeWith(t, seal(t, documentOf(r))), newClock().now)
	if _, ok := heldKey(must(ring.PrivateKeys(t.Context()))(t), k.ID()); ok {
		t.Error("it opens")
	}
	if got := must(ring.Keys(t.Context()))(t)[0]; got.HasPrivate || got.Reason != "lost laptop" || !got.Ended.Equal(r.Ended) {
		t.Errorf("%+v", got)
	}
	for _, again := range []ownKey{k, withID(t, k, "other"), withID(t, generated(t, keys.ES256), k.ID())} {
		wantError(t, ring.importOwn(t.Context(), again, Staged), keys.ErrDuplicate)
	}
}

// A document that no transition makes is damaged, even if it is encrypted well.
func TestImpossibleDocuments(t *testing.T) {
	sig, sigKey := recordIn(t, keys.ES256, Active)
	enc, encKey := recordIn(t, keys.ECDHES, Active)
	sig2, _ := recordIn(t, keys.ES256, Active)
	enc2, _ := recordIn(t, keys.ECDHES, Active)
	edit := func(r record, f func(*record)) record { f(&r); return r }
	publicOf := func(k ownKey) []byte { return must(publicJWK(k.Key))(t) }

	for name, records := range map[string][]record{
		"two active signing keys":    {sig, sig2},
		"two active encryption keys": {sig, enc, enc2},
		"same key twice":             {sig, edit(sig, func(r *record) { r.State = Staged })},
		"kid of a tombstone": {sig, edit(sig2, func(r *record) {
			r.ID, r.State, r.JWK = sig.ID, Destroyed, nil
		})},
		"thumbprint of a tombstone": {sig, edit(sig2, func(r *record) {
			r.Thumbprint, r.State, r.JWK = sig.Thumbprint, Revoked, nil
		})},
		"staged without key":         {edit(sig, func(r *record) { r.State, r.JWK = Staged, nil })},
		"active without key":         {edit(sig, func(r *record) { r.JWK = nil })},
		"retired without key":        {edit(enc, func(r *record) { r.State, r.JWK = Retired, nil })},
		"destroyed with key":         {edit(enc, func(r *record) { r.State = Destroyed })},
		"destroyed with public key":  {edit(sig, func(r *record) { r.State, r.JWK = Destroyed, publicOf(sigKey) })},
		"revoked signing key":        {edit(sig, func(r *record) { r.State = Revoked })},
		"active with public half":    {edit(sig, func(r *record) { r.JWK = publicOf(sigKey) })},
		"staged with public half":    {edit(enc, func(r *record) { r.State, r.JWK = Staged, publicOf(encKey) })},
		"revoked with public half":   {edit(enc, func(r *record) { r.State, r.JWK = Revoked, publicOf(encKey) })},
		"retired with private half":  {edit(sig, func(r *record) { r.State = Retired })},
		"retired enc without":        {edit(enc, func(r *record) { r.State, r.JWK = Retired, publicOf(encKey) })},
		"unknown state":              {edit(sig, func(r *record) { r.State = "idle" })},
		"unknown state, tombstone":   {edit(sig, func(r *record) { r.State, r.JWK = "idle", nil })},
		"no state":                   {edit(enc, func(r *record) { r.State = "" })},
		"unknown suite":              {edit(sig, func(r *record) { r.Suite = "ES512" })},
		"unknown suite, tombstone":   {edit(sig, func(r *record) { r.Suite, r.State, r.JWK = "ES512", Destroyed, nil })},
		"suite of another use":       {edit(sig, func(r *record) { r.Suite = "ECDH-ES" })},
		"use of another suite":       {edit(sig, func(r *record) { r.Use = keys.UseEnc })},
		"suite is not the key's":     {edit(sig, func(r *record) { r.Suite = "EdDSA" })},
		"kid is not the key's":       {edit(sig, func(r *record) { r.ID = "other" })},
		"thumbprint is not its own":  {edit(sig, func(r *record) { r.Thumbprint = sig2.Thumbprint })},
		"tombstone without kid":      {edit(sig, func(r *record) { r.ID, r.State, r.JWK = "", Destroyed, nil })},
		"tombstone with control":     {edit(sig, func(r *record) { r.ID, r.State, r.JWK = "a\n", Revoked, nil })},
		"no key":                     {edit(sig, func(r *record) { r.JWK = []byte(`{}`) })},
		"JWK is a text":              {edit(sig, func(r *record) { r.JWK = []byte(`"key"`) })},
		"two halves, public of enc2": {edit(enc, func(r *record) { r.JWK = enc2.JWK })},
	} {
		mustNotOpen(t, name, seal(t, documentOf(records...)))
	}
	openRing(t, storeWith(t, seal(t, documentOf(sig, enc))), newClock().now)
	openRing(t, storeWith(t, seal(t, documentOf())), newClock().now)
}

func TestNewRecord(t *testing.T) {
	public, enc := generated(t, keys.ES256).withoutPrivate(t), generated(t, keys.ECDHES).withoutPrivate(t)
	for _, state := range []State{Staged, Active} {
		_, err := newRecord(public.jwk, public.hint(), state)
		wantError(t, err, keys.ErrNoKey)
	}
	for _, state := range []State{Staged, Active, Retired} {
		_, err := newRecord(enc.jwk, enc.hint(), state)
		wantError(t, err, keys.ErrNoKey)
	}
	if r, err := newRecord(public.jwk, public.hint(), Retired); err != nil || len(r.JWK) == 0 {
		t.Errorf("a retired signing key needs no private half: %v", err)
	}
	if _, err := newRecord(public.jwk, public.hint(), Staged); errors.Is(err, keys.ErrUnsupported) {
		t.Error("a public key passes for one that lives elsewhere")
	}
}
