package keyring

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

func TestDefaultPolicy(t *testing.T) {
	p := Policy{}.withDefaults()
	if want := (Policy{
		TokenLifetime: time.Hour, Leeway: time.Minute, ClockSkew: time.Minute, CacheAge: 24 * time.Hour,
		PublishLag: time.Minute, SnapshotAge: time.Hour, MaxAge: 5 * time.Minute,
		Sig: UsePolicy{[]keys.Suite{keys.ES256}, 30 * 24 * time.Hour}, Enc: UsePolicy{[]keys.Suite{keys.ECDHES}, 90 * 24 * time.Hour},
	}); !reflect.DeepEqual(p, want) {
		t.Errorf("%+v", p)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	if err := (Policy{}).Validate(); err != nil {
		t.Error(err)
	}
	w := p.Windows()
	if want := (Windows{
		SignAhead: 25*time.Hour + 2*time.Minute, SignKept: 2*time.Hour + 3*time.Minute,
		EncAhead: 61 * time.Minute, EncKept: 26*time.Hour + 4*time.Minute,
	}); w != want {
		t.Errorf("windows %+v", w)
	}
	if !reflect.DeepEqual(p.forUse(keys.UseSig), p.Sig) || !reflect.DeepEqual(p.forUse(keys.UseEnc), p.Enc) {
		t.Error("the parts for the uses are exchanged")
	}
}

// All durations differ in every digit, so a window shows of which durations it is the sum.
func TestWindows(t *testing.T) {
	p := Policy{TokenLifetime: 1, Leeway: 10, ClockSkew: 100, CacheAge: 1000, PublishLag: 10_000, SnapshotAge: 100_000}
	if got, want := p.Windows(), (Windows{SignAhead: 111_100, SignKept: 100_211, EncAhead: 100_100, EncKept: 111_211}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestPolicyValidate(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Policy)
		text string // of the error; empty: there is none
	}{
		"defaults":                   {func(*Policy) {}, ""},
		"negative token lifetime":    {func(p *Policy) { p.TokenLifetime = -1 }, "token lifetime"},
		"negative leeway":            {func(p *Policy) { p.Leeway = -1 }, "leeway"},
		"negative clock skew":        {func(p *Policy) { p.ClockSkew = -1 }, "clock skew"},
		"negative cache age":         {func(p *Policy) { p.CacheAge = -1 }, "cache age"},
		"negative publish lag":       {func(p *Policy) { p.PublishLag = -1 }, "publish lag"},
		"negative snapshot age":      {func(p *Policy) { p.SnapshotAge = -1 }, "snapshot age"},
		"negative max-age":           {func(p *Policy) { p.MaxAge = -1 }, "max-age"},
		"negative signing period":    {func(p *Policy) { p.Sig.Period = -1 }, "signing period"},
		"negative encryption period": {func(p *Policy) { p.Enc.Period = -1 }, "encryption period"},
		"overflow":                   {func(p *Policy) { p.CacheAge = math.MaxInt64; p.SnapshotAge = math.MaxInt64 }, "cache age"},
		"eleven years":               {func(p *Policy) { p.Enc.Period = 11 * 365 * day }, "encryption period"},
		"ten years":                  {func(p *Policy) { p.Enc.Period = 10 * 365 * day }, ""},
		"leeway below skew":          {func(p *Policy) { p.Leeway = 59 * time.Second }, "leeway"},
		"leeway above skew":          {func(p *Policy) { p.Leeway = 61 * time.Second }, ""},
		"max-age above cache age":    {func(p *Policy) { p.MaxAge = day + 1 }, "max-age"},
		"max-age of cache age":       {func(p *Policy) { p.MaxAge = day }, ""},
		"signing period, I1":         {func(p *Policy) { p.Sig.Period = 25*time.Hour + 2*time.Minute }, "signing period"},
		"signing period below 2 I1":  {func(p *Policy) { p.Sig.Period = 50*time.Hour + 4*time.Minute - 1 }, "signing period"},
		"signing period, 2 I1":       {func(p *Policy) { p.Sig.Period = 50*time.Hour + 4*time.Minute }, ""},
		"signing period, I2":         {func(p *Policy) { p.TokenLifetime = 29 * day }, "signing period"},
		"encryption period, I4":      {func(p *Policy) { p.Enc.Period = 26*time.Hour + 4*time.Minute }, "encryption period"},
		"encryption period above I4": {func(p *Policy) { p.Enc.Period = 26*time.Hour + 4*time.Minute + 1 }, ""},
		"suites exchanged":           {func(p *Policy) { p.Sig.Suites, p.Enc.Suites = p.Enc.Suites, p.Sig.Suites }, "not for use"},
		"suite that signs":           {func(p *Policy) { p.Enc.Suites = []keys.Suite{keys.EdDSA} }, "not for use"},
		"suite that encrypts":        {func(p *Policy) { p.Sig.Suites = []keys.Suite{keys.RSAOAEP256} }, "not for use"},
		"RSA-OAEP by name":           {func(p *Policy) { p.Enc.Suites = []keys.Suite{keys.RSAOAEP} }, ""},
		"RSA-OAEP that signs":        {func(p *Policy) { p.Sig.Suites = []keys.Suite{keys.RSAOAEP} }, "not for use"},
		"two suites":                 {func(p *Policy) { p.Enc.Suites = []keys.Suite{keys.ECDHES, keys.RSAOAEP256} }, "2 suites"},
		"no such suite":              {func(p *Policy) { p.Sig.Suites = []keys.Suite{77} }, "not for use"},
	} {
		p := Policy{}.withDefaults()
		c.edit(&p)
		if strings.Contains(name, "I2") {
			p.Sig.Period = 29 * day // above I1, below I2
		}
		err := p.Validate()
		if c.text == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
		if wantError(t, err, ErrPolicy); t.Failed() {
			t.Fatal(name)
		}
		_, err = Create(t.Context(), Config{Store: NewMemStore(), KEK: rawKey(t), Policy: p})
		wantError(t, err, ErrPolicy)
	}
}

func TestPolicyIsKeptInTheRing(t *testing.T) {
	p := Policy{
		TokenLifetime: 2 * time.Hour, Leeway: 3 * time.Minute, ClockSkew: 90 * time.Second, CacheAge: 12 * time.Hour, PublishLag: 5 * time.Second,
		SnapshotAge: 20 * time.Minute, MaxAge: time.Hour, Sig: UsePolicy{[]keys.Suite{keys.EdDSA}, 31 * day}, Enc: UsePolicy{[]keys.Suite{keys.ECDHESA256KW}, 91 * day},
	}
	store := NewMemStore()
	must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Policy: p}))(t)
	ring := must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
	if got := must(ring.Policy(t.Context()))(t); !reflect.DeepEqual(got, p) {
		t.Errorf("%+v, want %+v", got, p)
	}
	s := must(ring.PrivateKeys(t.Context()))(t)
	if k := must(s.SigningKey())(t); k.Suite() != keys.EdDSA || s.MaxTokenLifetime() != 2*time.Hour {
		t.Errorf("signs with %v for %v", k.Suite(), s.MaxTokenLifetime())
	}
	if k, ok := heldKey(s, activeID(ring, keys.UseEnc)); !ok || k.Suite() != keys.ECDHESA256KW {
		t.Error("the encryption key is of another suite")
	}
}

// A stored policy passes the same checks.
func TestStoredPolicy(t *testing.T) {
	for name, edit := range map[string]func(*policyDocument){
		"no suite":      func(d *policyDocument) { d.Sig.Suite = "" },
		"unknown suite": func(d *policyDocument) { d.Enc.Suites[0] = "ES512" },
		"no enc suite":  func(d *policyDocument) { d.Enc.Suites = nil },
		"two suites":    func(d *policyDocument) { d.Enc.Suites = append(d.Enc.Suites, d.Enc.Suites[0]) },
		"leeway":        func(d *policyDocument) { d.Leeway = 1 },
	} {
		d := newPolicyDocument(Policy{}.withDefaults())
		edit(&d)
		_, err := d.policy()
		if wantError(t, err, ErrPolicy); t.Failed() {
			t.Fatal(name)
		}
		mustNotOpen(t, name, seal(t, &document{Version: documentVersion, Identity: b64(make([]byte, identitySize)), Policy: d}))
	}
	text := must(json.Marshal(newPolicyDocument(Policy{}.withDefaults())))(t)
	if want := `{"token_lifetime":"1h0m0s","leeway":"1m0s","clock_skew":"1m0s","cache_age":"24h0m0s","publish_lag":"1m0s","snapshot_age":"1h0m0s",` +
		`"max_age":"5m0s","sig":{"alg":"ES256","period":"720h0m0s"},"enc":{"algs":["ECDH-ES"],"period":"2160h0m0s"}}`; string(text) != want {
		t.Errorf("stored as %s", text)
	}
}
