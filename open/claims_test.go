package open_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// TestTimes tries the edges, and a nanosecond before and after each. Its limits are not those of
// the battery.
func TestTimes(t *testing.T) {
	t.Parallel()
	const hour = 3600
	times := func(claims map[string]int64) func(f *forgery) {
		return func(f *forgery) {
			for _, name := range []string{"iat", "nbf", "exp"} {
				f.Claims.Remove(name)
				if at, ok := claims[name]; ok {
					f.Claims.Set(name, seconds(at))
				}
			}
		}
	}
	leeway := func(d time.Duration) func(c *anyOpen) { return func(c *anyOpen) { c.Limits.Leeway = d } }
	lifetime := func(d time.Duration) func(c *anyOpen) { return func(c *anyOpen) { c.Limits.MaxLifetime = d } }
	type m = map[string]int64
	for _, tt := range []struct {
		name   string
		claims m
		cfg    func(c *anyOpen)
		at     time.Duration // distance from the clock
		want   error
	}{
		{"exp just inside the leeway", m{"exp": -59}, nil, 0, nil},
		{"exp a nanosecond before the end of the leeway", m{"exp": 0}, nil, time.Minute - 1, nil},
		{"exp at the end of the leeway", m{"exp": -60}, nil, 0, open.ErrExpired},
		{"exp 10 min ago, leeway 10 min", m{"exp": -600}, leeway(open.MaxLeeway), 0, open.ErrExpired},
		{"exp 9 min 59 s ago, leeway 10 min", m{"exp": -599}, leeway(open.MaxLeeway), 0, nil},
		{"exp now, leeway 1 ns", m{"exp": 0}, leeway(1), 0, nil},
		{"exp 1 ns ago, leeway 1 ns", m{"exp": 0}, leeway(1), 1, open.ErrExpired},

		{"iat at the end of the leeway", m{"iat": 60, "exp": 600}, nil, 0, nil},
		{"iat a nanosecond beyond the leeway", m{"iat": 60, "exp": 600}, nil, -1, open.ErrNotYetValid},
		{"iat at the end of a leeway of 5 s", m{"iat": 5, "exp": 600}, leeway(5 * time.Second), 0, nil},
		{"iat beyond a leeway of 5 s", m{"iat": 6, "exp": 600}, leeway(5 * time.Second), 0, open.ErrNotYetValid},
		{"nbf at the end of the leeway", m{"nbf": 60, "exp": 600}, nil, 0, nil},
		{"nbf a nanosecond beyond the leeway", m{"nbf": 60, "exp": 600}, nil, -1, open.ErrNotYetValid},

		{"exp is iat", m{"iat": 10, "exp": 10}, nil, 0, open.ErrClaims},
		{"exp a second after iat", m{"iat": 10, "exp": 11}, nil, 0, nil},
		{"exp a second after nbf", m{"nbf": 10, "exp": 11}, nil, 0, nil},

		{"an hour from iat, an hour later", m{"iat": -hour, "exp": 0}, nil, 0, nil},
		{"an hour from now", m{"exp": hour}, nil, 0, nil},
		{"an hour and a second from now", m{"exp": hour + 1}, nil, 0, open.ErrLifetime},
		{"an hour from now, a nanosecond earlier", m{"exp": hour}, nil, -1, open.ErrLifetime},
		{"iat in 1970, exp in the year 9999", m{"iat": -clock.Unix(), "exp": 253402300799 - clock.Unix()}, lifetime(1<<63 - 1), 0, nil},
		{"MaxLifetime of a day", m{"iat": 0, "exp": 24 * hour}, lifetime(24 * time.Hour), 0, nil},
		{"a second over MaxLifetime of a day", m{"iat": 0, "exp": 24*hour + 1}, lifetime(24 * time.Hour), 0, open.ErrLifetime},
		{"MaxLifetime of a minute", m{"iat": 0, "exp": 60}, lifetime(time.Minute), 0, nil},
		{"a second over MaxLifetime of a minute", m{"iat": 0, "exp": 61}, lifetime(time.Minute), 0, open.ErrLifetime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := forgeNested()
			times(tt.claims)(f)
			cfg := config()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			token := f.Token()
			tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock.Add(tt.at))
			if !errors.Is(err, tt.want) || (err == nil) != (tok != nil) {
				t.Fatalf("%v, %v; want %v", tok, err, tt.want)
			}
			if err != nil {
				checkRefusal(t, err, tt.want, token, secretsOf(f)...)
			}
		})
	}
}

// TestReplicated is about registered claims in the outer header, RFC 7519 section
// 5.3.
func TestReplicated(t *testing.T) {
	t.Parallel()
	inside := map[string]string{
		"iss": quoted(issuerID), "sub": `"subject-kestrel-42"`, "aud": quoted(audience), "jti": `"id-bramble-99"`,
		"iat": seconds(-10), "nbf": seconds(-5), "exp": seconds(600), "sid": `"session-alder-7"`,
	}
	other := map[string]string{
		"iss": quoted(otherID), "sub": `"subject-kestrel-43"`, "aud": `"https://billing.example.com"`, "jti": `"id-bramble-98"`,
		"iat": seconds(-11), "nbf": seconds(-4), "exp": seconds(601), "sid": `"session-alder-8"`,
	}
	replicate := func(name, raw string) func(f *forgery) {
		return func(f *forgery) {
			f.Claims.Set("nbf", inside["nbf"])
			f.Claims.Set("sid", inside["sid"])
			f.Outer.Set(name, raw)
		}
	}
	var rows []row
	for name, raw := range inside {
		rows = append(rows,
			row{name + " equal", replicate(name, raw), nil, nil},
			row{name + " different", replicate(name, other[name]), nil, open.ErrClaims},
			row{name + " null", replicate(name, "null"), nil, open.ErrClaims},
			row{name + " of another type", replicate(name, "{}"), nil, open.ErrClaims})
		if name != "iss" && name != "aud" && name != "exp" {
			rows = append(rows, row{name + " outside, absent inside", func(f *forgery) {
				replicate(name, raw)(f)
				f.Claims.Remove(name)
			}, nil, open.ErrClaims})
		}
	}
	all := func(f *forgery) {
		f.Claims.Set("nbf", inside["nbf"])
		f.Claims.Set("sid", inside["sid"])
		for name, raw := range inside {
			f.Outer.Set(name, raw)
		}
	}
	run(t, append(rows,
		row{"all equal", all, nil, nil},
		row{"sub of another type outside, empty inside", both(claim("sub", `""`), outer("sub", "{}")), nil, open.ErrClaims},
		row{"jti empty outside, absent inside", both(noClaim("jti"), outer("jti", `""`)), nil, open.ErrClaims},
		row{"sub empty on both sides", both(claim("sub", `""`), outer("sub", `""`)), nil, nil},
		row{"exp with a fraction outside", replicate("exp", seconds(600)+".5"), nil, open.ErrClaims},
		row{"exp spelled otherwise outside", replicate("exp", seconds(600)+".0"), nil, nil},
		row{"aud in another order", both(claim("aud", `["https://b.example",`+quoted(audience)+"]"),
			outer("aud", "["+quoted(audience)+`,"https://b.example"]`)), nil, open.ErrClaims},
	))
}

// Two issuers use one kid, and each has its own key under it.
func TestIssuers(t *testing.T) {
	t.Parallel()
	first := testKeyFor(keys.ES256)
	second := newTestKey(keys.ES256, first.Kid, newP256())
	trust := func(c *anyOpen) {
		c.Trust = []open.Issuer{{ID: issuerID, Keys: publicSet(first)}, {ID: otherID, Keys: publicSet(second)}}
	}
	bySecond := func(f *forgery) { f.Signer = second.Key }
	run(t, []row{
		{"the first's own", nil, trust, nil},
		{"the second's own", both(bySecond, claim("iss", quoted(otherID))), trust, nil},
		{"the first's token with the second's key", bySecond, trust, open.ErrNotAuthentic},
		{"the second's token with the first's key", claim("iss", quoted(otherID)), trust, open.ErrNotAuthentic},
		{"a stranger's", both(bySecond, claim("iss", quoted(strangerID))), trust, open.ErrIssuer},
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "passed on")
	var seen *open.Token
	cfg := config()
	cfg.Check = func(ctx context.Context, tok *open.Token) error {
		seen = tok
		if ctx.Value(key{}) != "passed on" {
			t.Error("Check gets another context")
		}
		return nil
	}
	tok, err := newOpener(t, cfg).OpenAt(ctx, forgeNested().Token(), clock)
	if err != nil || seen != tok || seen.ID() != "id-bramble-99" || seen.Issuer() != issuerID || seen.SigningKeyID() == "" {
		t.Fatalf("Open returned %v, %v, and Check saw %v", tok, err, seen)
	}

	revoked := errors.New("session ended")
	cfg.Check = func(context.Context, *open.Token) error { return revoked }
	tok, err = newOpener(t, cfg).OpenAt(ctx, forgeNested().Token(), clock)
	if tok != nil || !errors.Is(err, open.ErrCheck) || !errors.Is(err, revoked) {
		t.Errorf("Open returned %v, %v", tok, err)
	}
	refused(t, cfg, forgeNested().Token(), open.ErrCheck, secretsOf(forgeNested())...)
}

func TestSources(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "passed on")
	down := errors.New("the store is down")
	good := config()

	t.Run("asked", func(t *testing.T) {
		private := &keySource{set: good.Decryption.(*keys.Set)}
		public := &keySource{public: good.Trust[0].Keys.(*keys.PublicSet)}
		stranger := &keySource{err: errors.New("not to be asked")}
		cfg := config()
		cfg.Decryption = private
		cfg.Trust = []open.Issuer{{ID: issuerID, Keys: public}, {ID: otherID, Keys: stranger}}
		o := newOpener(t, cfg)
		if len(private.asked)+len(public.asked) != 0 {
			t.Error("New asks for keys")
		}
		if _, err := o.OpenAt(ctx, forgeNested().Token(), clock); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(private.asked, []string{"private"}) || !slices.Equal(public.asked, []string{"kid-of-ES256"}) || stranger.asked != nil {
			t.Errorf("asked for %q, %q and %q", private.asked, public.asked, stranger.asked)
		}
		if private.ctx.Value(key{}) != "passed on" || public.ctx.Value(key{}) != "passed on" {
			t.Error("a source gets another context")
		}
		// A malformed token costs no call of a key source. A token that does not decrypt costs no
		// call of an issuer's source.
		f := forgeNested()
		f.Outer.Set("zip", `"DEF"`)
		if _, err := o.OpenAt(ctx, f.Token(), clock); err == nil || len(private.asked) != 1 {
			t.Errorf("malformed: %v, keys asked for %d times", err, len(private.asked))
		}
		// A kid that no key can have costs none either. Otherwise an attacker with our public key
		// could make a source fetch for any text.
		for _, kid := range []string{"", "é", "a\nb", strings.Repeat("k", 257)} {
			f = forgeNested()
			f.Inner.Set("kid", strconv.Quote(kid))
			if _, err := o.OpenAt(ctx, f.Token(), clock); !errors.Is(err, open.ErrUnknownKey) || len(public.asked) != 1 {
				t.Errorf("kid %q: %v, keys asked for %d times", kid, err, len(public.asked))
			}
		}
		f = forgeNested()
		f.BendParts = func(p *parts) { p.Tag = flip(p.Tag, 0) }
		if _, err := o.OpenAt(ctx, f.Token(), clock); err == nil || len(public.asked) != 1 {
			t.Errorf("not decryptable: %v, keys asked for %d times", err, len(public.asked))
		}
	})
	t.Run("failing", func(t *testing.T) {
		cfg := config()
		cfg.Decryption = &keySource{err: down}
		tok, err := newOpener(t, cfg).OpenAt(ctx, forgeNested().Token(), clock)
		if tok != nil || !errors.Is(err, open.ErrKeySource) || !errors.Is(err, down) {
			t.Errorf("private: %v, %v", tok, err)
		}
		refused(t, cfg, forgeNested().Token(), open.ErrKeySource, secretsOf(forgeNested())...)
		cfg = config()
		cfg.Trust[0].Keys = &keySource{err: down}
		tok, err = newOpener(t, cfg).OpenAt(ctx, forgeNested().Token(), clock)
		if tok != nil || !errors.Is(err, open.ErrKeySource) || !errors.Is(err, down) {
			t.Errorf("public: %v, %v", tok, err)
		}
		refused(t, cfg, forgeNested().Token(), open.ErrKeySource, secretsOf(forgeNested())...)
	})
	t.Run("reloading", func(t *testing.T) {
		source := &reloadable{keySource: keySource{set: privateSet(testKeyFor(keys.ECDHESA256KW))}}
		cfg := config()
		cfg.Decryption = source
		refused(t, cfg, forgeNested().Token(), open.ErrUnknownKey)
		if source.reloads != 1 {
			t.Errorf("%d reloads for an unknown kid", source.reloads)
		}
		source.after = good.Decryption.(*keys.Set)
		accepted(t, cfg, forgeNested().Token())
		source.reloadErr = down
		refused(t, cfg, forgeNested().Token(), open.ErrKeySource)
		// Neither a known kid nor a missing one causes a reload.
		source.set, source.reloads = source.after, 0
		accepted(t, cfg, forgeNested().Token())
		f := forgeNested()
		f.Outer.Remove("kid")
		refused(t, cfg, f.Token(), open.ErrUnknownKey)
		f = forgeNested()
		f.BendParts = func(p *parts) { p.Tag = flip(p.Tag, 0) }
		refused(t, cfg, f.Token(), open.ErrNotAuthentic)
		if source.reloads != 0 {
			t.Errorf("%d reloads for nothing", source.reloads)
		}
	})
}

// reloadable is a source whose answer changes after a reload.
type reloadable struct {
	keySource
	after     *keys.Set
	reloadErr error
	reloads   int
}

func (r *reloadable) Reload(context.Context) (*keys.Set, error) {
	r.reloads++
	if r.reloadErr != nil {
		return nil, r.reloadErr
	}
	if r.after == nil {
		return r.set, nil
	}
	return r.after, nil
}
