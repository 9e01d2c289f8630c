package open_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
)

// with allows a token to lack m, and requires a claim that the forged tokens have.
func with(m open.Missing) func(c *anyOpen) {
	return func(c *anyOpen) {
		c.Allow(m)
		c.Require = []string{"email"}
	}
}

const allMissing = open.Type | open.Expiry | open.KeyID | open.ContentType

func noTyp(f *forgery) { f.Inner.Remove("typ") }
func noCty(f *forgery) { f.Outer.Remove("cty") }

// slow adds a member to both headers that the fast path does not know.
func slow(f *forgery) { f.Outer.Add("x", "1"); f.Inner.Add("x", "1") }

// Each switch accepts the tokens that it names, and no others.
func TestMissing(t *testing.T) {
	t.Parallel()
	noExp := noClaim("exp")
	rows := []row{
		{"typ", noTyp, with(open.Type), nil},
		{"typ, and all else is allowed", noTyp, with(allMissing &^ open.Type), open.ErrType},
		{"typ, and another issuer's may", noTyp, func(c *anyOpen) {
			c.Require = []string{"email"}
			c.Trust = append(c.Trust, open.Issuer{ID: otherID, Keys: c.Trust[0].Keys, AllowMissing: open.Type})
		}, open.ErrType},
		{"typ, and the required claim", both(noTyp, noClaim("email")), with(open.Type), open.ErrClaims},
		{"typ, and it is in the other header", both(noTyp, outer("typ", `"at+jwt"`)), with(open.Type), nil},

		{"cty", noCty, with(open.ContentType), nil},
		{"cty, and all else is allowed", noCty, with(allMissing &^ open.ContentType), open.ErrType},
		{"cty, and what is inside is not signed", both(noCty, plaintext("hello")), with(open.ContentType), open.ErrMalformed},

		{"exp", noExp, with(open.Expiry), nil},
		{"exp, and all else is allowed", noExp, with(allMissing &^ open.Expiry), open.ErrClaims},
		{"exp and iat", both(noExp, noClaim("iat")), with(open.Expiry), open.ErrClaims},
		{"exp, of the selective form", both(noExp, claim("sealed", "[]")), with(open.Expiry), open.ErrType},

		{"typ and exp", both(noTyp, noExp), with(open.Type | open.Expiry), open.ErrType},
		{"typ and exp, with all switches", both(noTyp, noExp), with(allMissing), open.ErrType},
		{"cty and exp", both(noCty, noExp), with(allMissing), nil},
		{"typ and cty", both(noCty, noTyp), with(allMissing), nil},
		{"typ, cty and both kids", both(both(noCty, noTyp), both(noKid, noInnerKid)), with(allMissing), nil},
		{"exp, cty and both kids", both(both(noCty, noExp), both(noKid, noInnerKid)), with(allMissing), nil},
		{"nothing, with all switches", nil, with(allMissing), nil},
		{"nothing, in other words, with all switches", slow, with(allMissing), nil},
	}
	// The fast path needs the usual order of the headers. The battery has other values.
	for _, way := range []struct {
		name string
		bend func(f *forgery)
	}{{"", func(*forgery) {}}, {", read as JSON", slow}} {
		typ := func(f *forgery) { f.Inner.Set("typ", `"at+jwt"`) }
		rows = append(rows,
			row{"another typ" + way.name, both(way.bend, typ), with(allMissing), open.ErrType},
			row{"another cty" + way.name, both(way.bend, outer("cty", `"JOSE"`)), with(allMissing), open.ErrType})
	}
	for _, name := range []string{"events", "token_introspection"} {
		for _, raw := range []string{`{"a":{}}`, "{}", "null", "[]", "false"} {
			rows = append(rows, row{"typ, and " + name + " is " + raw, both(noTyp, claim(name, raw)), with(open.Type), open.ErrType})
		}
		rows = append(rows, row{name + " with a typ", claim(name, "{}"), with(open.Type), nil})
	}
	run(t, rows)
}

// The signed token of the selective form may lack the same members. A JWE in it may lack none.
func TestMissingSelective(t *testing.T) {
	t.Parallel()
	all := with(allMissing)
	noTyp, noExp := visible(noTyp), visible(noClaim("exp"))
	runSelective(t, []selectiveRow{
		{"typ", noTyp, all, nil},
		{"typ, and events in clear", both(noTyp, visible(claim("events", "{}"))), all, open.ErrType},
		{"typ, and events sealed", both(noTyp, ours(claim("events", "{}"))), all, open.ErrType},
		{"typ, and events sealed to others", both(noTyp, theirs(claim("events", "{}"))), all, nil},
		{"exp", noExp, all, nil},
		{"typ and exp", both(noTyp, noExp), all, open.ErrType},
		{"kid of the signature", visible(noInnerKid), all, nil},
		{"kid of a JWE", ours(noKid), all, open.ErrClaims},
		{"cty of a JWE", ours(noCty), all, open.ErrType},
	})
	cfg := selectiveConfig()
	gateway(&cfg)
	cfg.Allow(open.Expiry | open.KeyID)
	s := forgeSelective()
	noExp(s)
	accepted(t, cfg, s.Token())
	s = forgeSelective()
	noTyp(s)
	refused(t, cfg, s.Token(), open.ErrType)
}

// A token without exp lives for MaxLifetime after its iat.
func TestMissingExpiry(t *testing.T) {
	t.Parallel()
	const lifetime = 10 * time.Minute
	for _, tt := range []struct {
		name     string
		iat, nbf int64 // seconds from now; zero: no nbf
		want     error
	}{
		{"issued now", 0, 0, nil},
		{"in its last second", -600 - 59, 0, nil},
		{"over", -600 - 60, 0, open.ErrExpired},
		{"long over", -86400, 0, open.ErrExpired},
		{"issued within the leeway", 60, 0, nil},
		{"issued in the future", 61, 0, open.ErrNotYetValid},
		{"not valid before it is over", 0, 600, open.ErrNotYetValid},
		{"not valid before it is over, and that is now", -600, 10, open.ErrClaims},
		{"valid since", -300, -200, nil},
	} {
		f := forgeNested()
		f.Claims.Remove("exp")
		f.Claims.Set("iat", seconds(tt.iat))
		if tt.nbf != 0 {
			f.Claims.Set("nbf", seconds(tt.nbf))
		}
		cfg := config()
		cfg.Allow(open.Expiry)
		cfg.Limits.MaxLifetime = lifetime
		if tt.want != nil {
			refused(t, cfg, f.Token(), tt.want)
			continue
		}
		tok := accepted(t, cfg, f.Token())
		if want := clock.Add(time.Duration(tt.iat)*time.Second + lifetime); !tok.ExpiresAt().Equal(want) {
			t.Errorf("%s: expires at %v, want %v", tt.name, tok.ExpiresAt(), want)
		}
		if _, ok := tok.Claim("exp"); ok {
			t.Errorf("%s: an exp that was not signed", tt.name)
		}
	}
}

// The cache keeps such a token until that end.
func TestMissingExpiryInCache(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Allow(open.Expiry)
	cfg.Limits.Cache = 10
	f := forgeNested()
	f.Claims.Remove("exp")
	token, o := f.Token(), newOpener(t, cfg)
	at := clock
	o.SetNow(func() time.Time { return at })
	first, err := o.Open(t.Context(), token)
	if err != nil || !o.Remembers(token) {
		t.Fatal(err)
	}
	at = first.ExpiresAt().Add(59 * time.Second)
	if again, err := o.Open(t.Context(), token); again != first || err != nil {
		t.Errorf("at its end: %v", err)
	}
	at = first.ExpiresAt().Add(60 * time.Second)
	if _, err := o.Open(t.Context(), token); !errors.Is(err, open.ErrExpired) || o.Remembers(token) {
		t.Errorf("after its end: %v", err)
	}
}

// A switch at the wrong place is an error.
func TestNewMissing(t *testing.T) {
	t.Parallel()
	const inTrust, inConfig = "Trust[0].AllowMissing", "AllowMissing"
	for _, tt := range []struct {
		name, field string // the wrong field; empty: there is none
		bend        func(c *anyOpen)
	}{
		{"ContentType at an issuer", inTrust, func(c *anyOpen) { c.Trust[0].AllowMissing = open.ContentType }},
		{"ContentType beside KeyID at an issuer", inTrust, func(c *anyOpen) { c.Trust[0].AllowMissing = open.KeyID | open.ContentType }},
		{"Type in the configuration", inConfig, func(c *anyOpen) { c.AllowMissing = open.Type }},
		{"Expiry in the configuration", inConfig, func(c *anyOpen) { c.AllowMissing = open.Expiry | open.KeyID }},
		{"what is none, at an issuer", inTrust, func(c *anyOpen) { c.Trust[0].AllowMissing = 1 << 7 }},
		{"what is none, in the configuration", inConfig, func(c *anyOpen) { c.AllowMissing = 1 << 4 }},
		{"Type without Require", inTrust, func(c *anyOpen) { c.Trust[0].AllowMissing = open.Type }},
		{"Type with an empty Require", inTrust, func(c *anyOpen) { c.Trust[0].AllowMissing, c.Require = open.Type, []string{} }},
		{"Type at the second issuer", "Trust[1].AllowMissing", func(c *anyOpen) {
			c.Trust = append(c.Trust, open.Issuer{ID: otherID, Keys: c.Trust[0].Keys, AllowMissing: open.Type})
		}},
		{"Type with Require", "", func(c *anyOpen) { with(open.Type)(c) }},
		{"all at their places", "", func(c *anyOpen) { with(allMissing)(c) }},
	} {
		for _, form := range []bool{nestedForm, selectiveForm} {
			cfg := config()
			cfg.Selective = form
			tt.bend(&cfg)
			want := tt.field
			if form == selectiveForm && want == inConfig {
				want = "" // it has no such field
			}
			wantField(t, tt.name, cfg, want)
		}
	}
	cfg := config()
	gateway(&cfg)
	cfg.Allow(open.Expiry | open.KeyID)
	wantField(t, "a gateway", cfg, "")
	cfg.Allow(open.Type)
	cfg.Require = []string{"email"}
	wantField(t, "Type at a gateway, which requires nothing", cfg, inTrust)
}

// wantField makes an Opener, and expects the ConfigError of the field, or no error if it is empty.
func wantField(t *testing.T, name string, cfg anyOpen, field string) {
	t.Helper()
	o, err := newAnyOpener(cfg)
	if field == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	wrong, ok := errors.AsType[*open.ConfigError](err)
	if o != nil || !ok || wrong.Field != field {
		t.Errorf("%s: %v, want one of %s", name, err, field)
	}
}

func TestMissingString(t *testing.T) {
	t.Parallel()
	for m, want := range map[open.Missing]string{
		open.Type: "open.Type", open.Expiry: "open.Expiry", open.KeyID: "open.KeyID", open.ContentType: "open.ContentType",
		allMissing: "open.Type|open.Expiry|open.KeyID|open.ContentType", 0: "open.Missing(0)", open.KeyID | 64: "open.KeyID|open.Missing(64)",
	} {
		if got := fmt.Sprint(m); got != want {
			t.Errorf("%d prints as %s, want %s", uint8(m), got, want)
		}
	}
}
