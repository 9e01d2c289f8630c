package sessions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

func TestConfigRefused(t *testing.T) {
	var noStore *memStore
	var noKEK *struct{ keyring.KEK }
	for name, c := range map[string]struct {
		field  string
		change func(*Config)
	}{
		"no issuer":           {"Issuer", func(c *Config) { c.Issuer = "" }},
		"long issuer":         {"Issuer", func(c *Config) { c.Issuer = strings.Repeat("i", 257) }},
		"issuer not UTF-8":    {"Issuer", func(c *Config) { c.Issuer = "\xff" }},
		"no store":            {"Store", func(c *Config) { c.Store = nil }},
		"typed nil store":     {"Store", func(c *Config) { c.Store = noStore }},
		"no KEK":              {"KEK", func(c *Config) { c.KEK = nil }},
		"typed nil KEK":       {"KEK", func(c *Config) { c.KEK = noKEK }},
		"no lifetime":         {"TokenLifetime", func(c *Config) { c.TokenLifetime = 0 }},
		"negative lifetime":   {"TokenLifetime", func(c *Config) { c.TokenLifetime = -time.Hour }},
		"short lifetime":      {"TokenLifetime", func(c *Config) { c.TokenLifetime = 10*time.Second - 1 }},
		"long lifetime":       {"TokenLifetime", func(c *Config) { c.TokenLifetime = 24*time.Hour + 1 }},
		"short max age":       {"MaxAge", func(c *Config) { c.MaxAge = time.Minute }},
		"negative max age":    {"MaxAge", func(c *Config) { c.MaxAge = -1 }},
		"endless":             {"MaxAge", func(c *Config) { c.MaxAge = maxAge + 1 }},
		"short idle age":      {"IdleAge", func(c *Config) { c.IdleAge = time.Minute }},
		"idle age is longer":  {"IdleAge", func(c *Config) { c.MaxAge, c.IdleAge = time.Hour, 2*time.Hour }},
		"negative skew":       {"ClockSkew", func(c *Config) { c.ClockSkew = -1 }},
		"large skew":          {"ClockSkew", func(c *Config) { c.ClockSkew, c.Leeway = 11*time.Minute, 11*time.Minute }},
		"large leeway":        {"Leeway", func(c *Config) { c.Leeway = 11 * time.Minute }},
		"leeway below skew":   {"Leeway", func(c *Config) { c.Leeway = 59 * time.Second }},
		"leeway is negative":  {"Leeway", func(c *Config) { c.Leeway = -1 }},
		"lifetime above ages": {"MaxAge", func(c *Config) { c.TokenLifetime, c.MaxAge = 2*time.Hour, time.Hour }},
	} {
		cfg := testConfig(t, NewMemStore())
		c.change(&cfg)
		r, err := New(cfg)
		var wrong *ConfigError
		if r != nil || !errors.Is(err, ErrConfig) || !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	cfg := testConfig(t, NewMemStore())
	got := must(New(cfg))(t).cfg
	if got.IdleAge != 30*24*time.Hour || got.MaxAge != 30*24*time.Hour || got.Leeway != time.Minute || got.ClockSkew != time.Minute {
		t.Errorf("the defaults are %+v", got)
	}
	for _, maxAge := range []time.Duration{time.Hour, 90 * 24 * time.Hour} {
		cfg.MaxAge = maxAge
		if got := must(New(cfg))(t).cfg.IdleAge; got != min(maxAge, DefaultAge) {
			t.Errorf("with a MaxAge of %v the IdleAge is %v", maxAge, got)
		}
	}
	if n := reflect.TypeFor[Config]().NumField(); n > 10 {
		t.Errorf("Config has %d fields", n)
	}
}

func TestSubjectRefused(t *testing.T) {
	r := registryOf(t, testConfig(t, NewMemStore()), newClock())
	for _, subject := range []string{"", "\xff", strings.Repeat("s", 257)} {
		_, _, err := r.Start(t.Context(), subject, Device{})
		wantError(t, err, ErrSubject)
		_, err = r.List(t.Context(), subject)
		wantError(t, err, ErrSubject)
		_, err = r.EndAll(t.Context(), subject)
		wantError(t, err, ErrSubject)
		wantError(t, r.End(t.Context(), subject, ID{1}.String()), ErrSubject)
	}
	login(t, r, strings.Repeat("s", 256))
}

func TestDeviceIsCut(t *testing.T) {
	for addr, want := range map[string][2]string{ // the cut address and the kept one
		"203.0.113.77":              {"203.0.113.0/24", "203.0.113.77"},
		"203.0.113.77:4711":         {"203.0.113.0/24", "203.0.113.77"},
		"::ffff:203.0.113.77":       {"203.0.113.0/24", "203.0.113.77"},
		"[2001:db8:1:2::3]:443":     {"2001:db8:1::/48", "2001:db8:1:2::3"},
		"fe80::1%eth0":              {"fe80::/48", "fe80::1"},
		"":                          {"", ""},
		"ada@example.com":           {"", ""},
		"203.0.113.77, 192.0.2.1":   {"", ""},
		"[::ffff:203.0.113.77]:443": {"203.0.113.0/24", "203.0.113.77"},
	} {
		for i, keep := range []bool{false, true} {
			if got := (Device{Addr: addr}).trimmed(keep).Addr; got != want[i] {
				t.Errorf("%q is kept as %q, want %q", addr, got, want[i])
			}
		}
	}
	long := strings.Repeat("ä", 200)
	d := Device{Name: long, Agent: "a" + long}.trimmed(false)
	if d.Name != strings.Repeat("ä", 128) || d.Agent != "a"+strings.Repeat("ä", 127) {
		t.Errorf("a text is cut to %d and %d bytes", len(d.Name), len(d.Agent))
	}
	if d := (Device{Name: "a\xffb"}).trimmed(false); d.Name != "a\uFFFDb" {
		t.Errorf("a text that is no UTF-8 is kept as %q", d.Name)
	}
	// A row of the largest size fits into a store.
	store := NewMemStore()
	r := registryOf(t, testConfig(t, store), newClock())
	bad := strings.Repeat("\x01", 256)
	s, _, err := r.Start(t.Context(), bad, Device{Name: bad, Agent: bad, Addr: "2001:db8::"})
	if err != nil {
		t.Fatal(err)
	}
	row := must(store.Get(t.Context(), must(parseID(s.ID))(t)))(t)
	if len(row.Sealed) > 4<<10 {
		t.Errorf("a row seals %d bytes", len(row.Sealed))
	}
}

// No table, key or text holds personal data in the clear, or a secret.
func TestNothingInTheClear(t *testing.T) {
	mem := NewMemStore().(*memStore)
	cfg := testConfig(t, mem)
	r := registryOf(t, cfg, newClock())
	s, token, err := r.Start(t.Context(), "canary-subject", Device{"canary-name", "canary-agent", "198.51.100.7"})
	if err != nil {
		t.Fatal(err)
	}
	s2, token2, _ := r.Start(t.Context(), "canary-subject", Device{"canary-name", "canary-agent", "198.51.100.7"})
	if err := r.End(t.Context(), "canary-subject", s2.ID); err != nil {
		t.Fatal(err)
	}
	var stored string
	for _, row := range mem.sessions {
		stored += fmt.Sprintf("%+v %q %x", row, row.Sealed, row.Sealed)
	}
	stored += fmt.Sprintf("%+v %q", mem.kept, mem.doc)
	for _, canary := range []string{"canary", "198.51", token, token2, token[60:], string(r.cached.root), string(r.cached.Keys[0].Secret)} {
		if strings.Contains(stored, canary) {
			t.Errorf("the store holds %q", canary)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{r, *r, struct{ R *Registry }{r}, *r.cached, *r.cached.current(), []any{r.cached.keys}} {
			text := fmt.Sprintf(verb, v)
			for _, secret := range [][]byte{r.cached.root, r.cached.Keys[0].Secret, r.cached.current().refreshing, r.cached.current().subject} {
				for _, spelled := range []string{string(secret), fmt.Sprintf("%x", secret), fmt.Sprint(secret)} {
					if strings.Contains(text, strings.Trim(spelled, "[]")) {
						t.Errorf("%s of %T prints a key", verb, v)
					}
				}
			}
		}
	}
	if got := slog.AnyValue(r).Resolve().String(); got != redactedText {
		t.Errorf("a Registry is logged as %s", got)
	}
	_ = s
}

func TestZeroRegistry(t *testing.T) {
	for _, r := range []*Registry{nil, {}} {
		ctx := context.Background()
		_, _, err := r.Start(ctx, "ada", Device{})
		errs := []error{err, r.Run(ctx, nil), r.Rewrap(ctx), r.RotateKey(ctx), r.Accept(ctx), r.EndEverything(ctx), r.Revoke(ctx, "a", time.Now())}
		_, _, err = r.Refresh(ctx, "")
		_, errList := r.List(ctx, "ada")
		_, errOthers := r.EndOthers(ctx, "ada", ID{}.String())
		_, errAll := r.EndAll(ctx, "ada")
		_, errHandler := r.Handler(nil)
		_, errRevocation := r.Revocation(RevocationConfig{})
		errs = append(errs, err, errList, errOthers, errAll, r.End(ctx, "ada", "x"), errHandler, errRevocation)
		for i, err := range errs {
			if !errors.Is(err, ErrConfig) {
				t.Errorf("call %d of a zero Registry: %v", i, err)
			}
		}
	}
}

// A call to a hung store ends with the context of its caller.
func TestCancelled(t *testing.T) {
	r := registryOf(t, testConfig(t, NewMemStore()), newClock())
	_, token := login(t, r, "ada")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := r.Refresh(ctx, token)
	wantError(t, err, context.Canceled)
	_, err = r.List(ctx, "ada")
	wantError(t, err, context.Canceled)
}
