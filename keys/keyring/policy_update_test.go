package keyring

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

func TestUpdatePolicyRules(t *testing.T) {
	const huge = 11 * 365 * day
	for _, tt := range []struct {
		name string
		edit func(*Policy)
		want string // the rule, as the text names it
	}{
		{"T negative", func(p *Policy) { p.TokenLifetime = -1 }, "token lifetime"},
		{"L negative", func(p *Policy) { p.Leeway = -time.Second }, "leeway"},
		{"S negative", func(p *Policy) { p.ClockSkew = -time.Second }, "clock skew"},
		{"C negative", func(p *Policy) { p.CacheAge = -time.Hour }, "cache age"},
		{"D negative", func(p *Policy) { p.PublishLag = -time.Hour }, "publish lag"},
		{"R negative", func(p *Policy) { p.SnapshotAge = -time.Hour }, "snapshot age"},
		{"max-age negative", func(p *Policy) { p.MaxAge = -time.Hour }, "max-age"},
		{"P sig negative", func(p *Policy) { p.Sig.Period = -day }, "signing period"},
		{"P enc negative", func(p *Policy) { p.Enc.Period = -day }, "encryption period"},
		{"T huge", func(p *Policy) { p.TokenLifetime = huge }, "token lifetime"},
		{"L huge", func(p *Policy) { p.Leeway = huge }, "leeway"},
		{"S huge", func(p *Policy) { p.ClockSkew = huge }, "clock skew"},
		{"C huge", func(p *Policy) { p.CacheAge = huge }, "cache age"},
		{"D huge", func(p *Policy) { p.PublishLag = huge }, "publish lag"},
		{"R huge", func(p *Policy) { p.SnapshotAge = 1<<63 - 1 }, "snapshot age"},
		{"max-age huge", func(p *Policy) { p.MaxAge = huge }, "max-age"},
		{"P sig huge", func(p *Policy) { p.Sig.Period = huge }, "signing period"},
		{"P enc huge", func(p *Policy) { p.Enc.Period = 1<<63 - 1 }, "encryption period"},
		{"L < S", func(p *Policy) { p.Leeway = p.ClockSkew - 1 }, "shorter than the clock skew"},
		{"max-age > C", func(p *Policy) { p.MaxAge = p.CacheAge + 1 }, "longer than the cache age"},
		{"P sig = I1", func(p *Policy) { p.Sig.Period = signAhead }, "longer than its windows (25h2m0s)"},
		{"P sig = I2", func(p *Policy) {
			p.CacheAge, p.TokenLifetime = time.Hour, 10*time.Hour
			p.Sig.Period = 11*time.Hour + 3*time.Minute
		}, "longer than its windows (11h3m0s)"},
		{"P enc = I4", func(p *Policy) { p.Enc.Period = encKept }, "longer than its windows (26h4m0s)"},
		{"P sig < 2 I1", func(p *Policy) { p.Sig.Period = 2*signAhead - 1 }, "two windows of its successor (50h4m0s)"},
		{"P enc < 2 I3", func(p *Policy) {
			p.SnapshotAge, p.CacheAge, p.TokenLifetime = 3*time.Hour, time.Hour, time.Minute
			p.Enc.Period = 2*(3*time.Hour+time.Minute) - 1
		}, "two windows of its successor (6h2m0s)"},
		{"R over P", func(p *Policy) { p.SnapshotAge = 40 * day }, "signing period"},
		{"encryption suite signs", func(p *Policy) { p.Sig.Suites = []keys.Suite{keys.ECDHES} }, "not for use"},
		{"signing suite encrypts", func(p *Policy) { p.Enc.Suites = []keys.Suite{keys.ES256} }, "not for use"},
		{"no suite at all", func(p *Policy) { p.Enc.Suites = []keys.Suite{200} }, "not for use"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, store := newClock(), newTestStore()
			r := newRing(t, store, c.now)
			err := r.UpdatePolicy(t.Context(), tt.edit)
			wantError(t, err, ErrPolicy)
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the text does not name the rule %q: %v", tt.want, err)
			}
			if store.generations() != 1 || !reflect.DeepEqual(must(r.Policy(t.Context()))(t), Policy{}.withDefaults()) {
				t.Error("the ring changed")
			}
		})
	}
}

// A policy one nanosecond within its rule is accepted.
func TestUpdatePolicyAtTheRules(t *testing.T) {
	for name, edit := range map[string]func(*Policy){
		"L = S":        func(p *Policy) { p.Leeway = p.ClockSkew },
		"max-age = C":  func(p *Policy) { p.MaxAge = p.CacheAge },
		"P sig = 2 I1": func(p *Policy) { p.Sig.Period = 2 * signAhead },
		"P enc":        func(p *Policy) { p.Enc.Period = encKept + 1 },
		"10 years":     func(p *Policy) { p.Sig.Period, p.Enc.Period = maxDuration, maxDuration },
	} {
		r := newRing(t, newTestStore(), newClock().now)
		want := Policy{}.withDefaults()
		edit(&want)
		if err := r.UpdatePolicy(t.Context(), edit); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := must(r.Policy(t.Context()))(t); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Zero stands for the default, as everywhere.
func TestUpdatePolicyZero(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	if err := r.UpdatePolicy(t.Context(), func(p *Policy) { p.TokenLifetime, p.Sig.Suites = 10*time.Minute, []keys.Suite{keys.EdDSA} }); err != nil {
		t.Fatal(err)
	}
	if err := r.UpdatePolicy(t.Context(), func(p *Policy) { *p = Policy{} }); err != nil {
		t.Fatal(err)
	}
	if got := must(r.Policy(t.Context()))(t); !reflect.DeepEqual(got, Policy{}.withDefaults()) {
		t.Errorf("policy %+v", got)
	}
}

func TestUpdatePolicyStoreFails(t *testing.T) {
	r, _, store := ringOfAllStates(t)
	store.setSwap(func(context.Context, string, []byte) (bool, error) { return true, errDown })
	wantError(t, r.UpdatePolicy(t.Context(), func(p *Policy) { p.TokenLifetime = time.Minute }), errDown)
	if got := must(r.Policy(t.Context()))(t); !reflect.DeepEqual(got, Policy{}.withDefaults()) {
		t.Errorf("policy %+v", got)
	}
}

// shrinkWindows makes every window of the default policy shorter.
func shrinkWindows(p *Policy) {
	p.TokenLifetime, p.Leeway, p.ClockSkew = 10*time.Minute, 10*time.Second, 10*time.Second
	p.CacheAge, p.PublishLag, p.SnapshotAge = time.Hour, 10*time.Second, 10*time.Minute
}

// shrunkenWindows returns the windows after shrinkWindows.
func shrunkenWindows() window.Figures {
	p := Policy{}.withDefaults()
	shrinkWindows(&p)
	return newPolicyDocument(p).Figures
}

// defaultWindows returns the windows of the default policy.
func defaultWindows() window.Figures { return newPolicyDocument(Policy{}.withDefaults()).Figures }

// Existing keys keep the windows that were promised at their publication.
func TestUpdatePolicyShrinks(t *testing.T) {
	r, c, store := ringOfAllStates(t)
	before := storedIn(t, store)
	if err := r.UpdatePolicy(t.Context(), shrinkWindows); err != nil {
		t.Fatal(err)
	}
	set := must(r.PrivateKeys(t.Context()))(t)
	if set.MaxTokenLifetime() != 10*time.Minute {
		t.Errorf("tokens live up to %v", set.MaxTokenLifetime())
	}
	now, changed := c.now(), storedIn(t, store)
	for _, k := range changed.Keys {
		if len(k.JWK) != 0 && k.Windows != defaultWindows() {
			t.Errorf("the %s %s key has the windows %+v", k.State, k.Use, k.Windows)
		}
	}
	was, is := before.steps(now), changed.steps(now)
	for i := range was {
		if was[i] != is[i] {
			t.Errorf("%+v, and before %+v", is[i], was[i])
		}
	}

	// A key that is made while caches of the old policy can live has the old windows. The first key
	// after that has the new ones. Two looks, one window apart, decide it.
	end := now.Add(2 * encKept)
	for _, tt := range []struct {
		at   time.Time
		want window.Figures
	}{{now, defaultWindows()}, {now.Add(encKept), defaultWindows()}, {end.Add(-1), defaultWindows()}, {end, shrunkenWindows()}} {
		c.advance(tt.at.Sub(c.now()))
		doDueSteps(t, r)
		must(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
		s := must(r.Rotate(t.Context()))(t)
		if k := storedIn(t, store).byID(s.KeyID); s.Action != Stage || k.Windows != tt.want {
			t.Errorf("%v after the change: %s, windows %+v", tt.at.Sub(now), s.Action, k.Windows)
		}
		_, err := r.RotateNow(t.Context(), keys.UseSig)
		want := tt.at.Add(signAhead)
		if tt.at == end {
			want = tt.at.Add(70*time.Minute + 20*time.Second)
		}
		if w, ok := errors.AsType[*WindowError](err); !ok || !w.Until.Equal(want) {
			t.Errorf("%v, want until %v", err, want)
		}
	}
	checkHistory(t, store.written)
}

// Each former policy counts as long as its own caches can live, also if policies follow each other
// quickly. Then it is forgotten.
func TestUpdatePolicyTwice(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	set := func(edit func(*Policy)) {
		t.Helper()
		if err := r.UpdatePolicy(t.Context(), edit); err != nil {
			t.Fatal(err)
		}
	}
	set(func(p *Policy) { p.TokenLifetime = 2 * time.Hour })
	set(shrinkWindows)
	want := defaultWindows()
	want.TokenLifetime = window.Duration(2 * time.Hour)
	if got := storedIn(t, store).widestWindows(); !reflect.DeepEqual(got, want) {
		t.Errorf("windows %+v", got)
	}
	look := func() { editStored(t, store, func(d *document) { d.Former = d.Former.Look(utc(c.now())) }) }
	c.advance(encKept) // the first look for the default policy, and not for the one with T = 2 h
	look()
	if got := storedIn(t, store).widestWindows(); !reflect.DeepEqual(got, want) {
		t.Errorf("windows %+v", got)
	}
	c.advance(time.Hour)
	look()
	c.advance(encKept - 1) // the windows of the default policy are over
	look()
	if got := storedIn(t, store).widestWindows(); !reflect.DeepEqual(got, want) {
		t.Errorf("windows %+v", got)
	}
	if n := len(storedIn(t, store).Former); n != 1 {
		t.Errorf("%d former policies", n)
	}
	c.advance(1 + time.Hour)
	look()
	if got := storedIn(t, store).widestWindows(); got != shrunkenWindows() {
		t.Errorf("windows %+v", got)
	}
	set(func(p *Policy) { p.Sig.Period = 40 * day }) // no window changes
	if n := len(storedIn(t, store).Former); n != 0 {
		t.Errorf("%d former policies, want none", n)
	}
	set(func(p *Policy) { p.TokenLifetime = 5 * time.Minute })
	if n := len(storedIn(t, store).Former); n != 1 {
		t.Errorf("%d former policies, want the last one", n)
	}
}

// When the policy grows, existing keys live longer, even a retired key that was already found due.
func TestUpdatePolicyGrows(t *testing.T) {
	r, c, store := ringOfAllStates(t)
	c.advance(signKept)
	doDueSteps(t, r)
	old := storedIn(t, store).find(keys.UseSig, Retired)
	if old.Due.IsZero() {
		t.Fatal("it is not due yet")
	}
	grown := Policy{}.withDefaults()
	grown.TokenLifetime, grown.CacheAge, grown.SnapshotAge = 5*time.Hour, 3*day, 2*time.Hour
	if err := r.UpdatePolicy(t.Context(), func(p *Policy) { *p = grown }); err != nil {
		t.Fatal(err)
	}
	d := storedIn(t, store)
	want := newPolicyDocument(grown).Figures
	for _, k := range d.Keys {
		if exists := len(k.JWK) != 0; (k.Windows == want) != exists {
			t.Errorf("the %s %s key has the windows %+v", k.State, k.Use, k.Windows)
		}
	}
	end := old.Retired.Add(2*time.Hour + 5*time.Hour + 3*time.Minute)
	if s, ok := d.ending(d.byID(old.ID), c.now()); !ok || s.Action != MarkDue || !s.At.Equal(end) {
		t.Errorf("the retired key: %+v", s)
	}
	_, err := r.RotateNow(t.Context(), keys.UseSig)
	if w, ok := errors.AsType[*WindowError](err); !ok || !w.Until.Equal(d.find(keys.UseSig, Staged).Created.Add(3*day+2*time.Hour+2*time.Minute)) {
		t.Errorf("the staged key: %v", err)
	}
	var marked, destroyed time.Time
	for range 2 * 24 * 60 {
		c.advance(time.Minute)
		for _, s := range doDueSteps(t, r) {
			switch {
			case s.KeyID == old.ID && s.Action == MarkDue:
				marked = c.now()
			case s.KeyID == old.ID && s.Action == Destroy:
				destroyed = c.now()
			}
		}
		if !destroyed.IsZero() {
			break
		}
	}
	if marked.Before(end) || marked.After(end.Add(time.Minute)) || destroyed.Before(marked.Add(2*time.Hour)) {
		t.Errorf("marked %v and destroyed %v after its retirement", marked.Sub(old.Retired), destroyed.Sub(old.Retired))
	}
	checkHistory(t, store.written)
}

// A new period counts at once. A new suite counts for the next key that is staged.
func TestUpdatePolicySuiteAndPeriod(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	c.advance(3 * day)
	err := r.UpdatePolicy(t.Context(), func(p *Policy) {
		p.Sig = UsePolicy{[]keys.Suite{keys.EdDSA}, 3 * day}
		p.Enc = UsePolicy{[]keys.Suite{keys.ECDHESA256KW}, 4 * day}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		day  time.Duration
		want string // suites of the active and the staged key, sig and enc
	}{
		{4, "ES256 ES256 ECDH-ES ECDH-ES"}, // the signing key's 3 days end one window after the first look
		{5, "ES256 EdDSA ECDH-ES ECDH-ES+A256KW"},
		{7, "ES256 EdDSA ECDH-ES ECDH-ES+A256KW"},
		{9, "EdDSA EdDSA ECDH-ES+A256KW ECDH-ES+A256KW"},
	} {
		for doDueSteps(t, r); c.now().Before(startPlus(tt.day * day)); doDueSteps(t, r) {
			c.advance(time.Hour)
		}
		d := storedIn(t, store)
		var got []string
		for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
			got = append(got, d.find(u, Active).Suite, d.find(u, Staged).Suite)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("day %d: %s, want %s", tt.day, got, tt.want)
		}
	}
	checkHistory(t, store.written)
}
