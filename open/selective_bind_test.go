package open_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
)

// A JWE for another recipient is bound to its token too, so its header is read. A gateway reads
// every header. If one opener refuses a header, all must.
func TestOthersJWEs(t *testing.T) {
	t.Parallel()
	for name, slot := range map[string]struct {
		jwe func(bend func(f *forgery)) func(s *selective)
		cfg func(c *anyOpen)
	}{"another's": {theirs, nil}, "ours, for a gateway": {ours, gateway}} {
		var rows []selectiveRow
		add := func(name string, bend func(f *forgery), want error) {
			rows = append(rows, selectiveRow{name, slot.jwe(bend), slot.cfg, want})
		}
		add("jti of another token", outer("jti", `"id-bramble-98"`), open.ErrClaims)
		add("iss of another issuer", outer("iss", quoted(otherID)), open.ErrClaims)
		add("no jti", noOuter("jti"), open.ErrClaims)
		add("no iss", noOuter("iss"), open.ErrClaims)
		add("jti in two cases", outer("JTI", `"id-bramble-99"`), open.ErrMalformed)
		add("iss spelled with escapes", outer("iss", `"https:\/\/id.example.com"`), nil)
		add("sub equal", outer("sub", `"subject-kestrel-42"`), nil)
		add("sub different", outer("sub", `"subject-kestrel-43"`), open.ErrClaims)
		add("nbf not in the payload", outer("nbf", seconds(-5)), open.ErrClaims)
		add("cty missing", noOuter("cty"), open.ErrType)
		add("cty of a nested token", outer("cty", `"JWT"`), open.ErrType)
		add("kid missing", noOuter("kid"), open.ErrClaims)
		add("kid with a control character", outer("kid", `"a\u0007"`), open.ErrClaims)
		add("alg missing", noOuter("alg"), open.ErrMalformed)
		add("crit", outer("crit", "[]"), open.ErrMalformed)
		add("a name twice", func(f *forgery) { f.Outer.Add("x", "1"); f.Outer.Add("x", "1") }, open.ErrMalformed)
		add("more than 4096 bytes", outer("pad", quoted(strings.Repeat("x", 4097))), open.ErrMalformed)
		add("six parts", func(f *forgery) { f.BendJWE = func(jwe string) string { return jwe + "." } }, open.ErrMalformed)
		add("a line feed in the header", func(f *forgery) { f.BendJWE = func(jwe string) string { return jwe[:8] + "\n" + jwe[8:] } }, open.ErrMalformed)
		t.Run(name, func(t *testing.T) { runSelective(t, rows) })
	}
}

// TestTransplanted moves JWEs between correct tokens.
func TestTransplanted(t *testing.T) {
	t.Parallel()
	victim := forgeSelective()
	victim.Claims.Set("jti", `"id-of-the-victim"`)
	for _, j := range victim.JWEs {
		j.Outer.Set("jti", `"id-of-the-victim"`)
		j.Claims.Set("email", `"victim.larkspur@example.com"`)
	}
	good := victim.Token()
	accepted(t, selectiveConfig(), good)
	lifted := jwesIn(good)
	into := func(place int) string {
		s := forgeSelective()
		s.List = func(jwes []string) string { jwes[place] = lifted[place]; return jsonArray(jwes) }
		return s.Token()
	}
	for place := range lifted {
		for _, bend := range []func(c *anyOpen){func(*anyOpen) {}, gateway} {
			cfg := selectiveConfig()
			bend(&cfg)
			refused(t, cfg, into(place), open.ErrClaims, "larkspur", "victim")
		}
	}

	// A trusted issuer cannot use a JWE that another issuer has sealed to us.
	cfg := selectiveConfig()
	cfg.Trust = append(cfg.Trust, open.Issuer{ID: otherID, Keys: publicSet(keysFor(signingSuites)...)})
	thief := forgeSelective()
	thief.Claims.Set("iss", quoted(otherID))
	thief.Claims.Set("jti", `"id-of-the-victim"`)
	for _, j := range thief.JWEs {
		j.Outer.Set("iss", quoted(otherID))
		j.Outer.Set("jti", `"id-of-the-victim"`)
	}
	accepted(t, cfg, thief.Token())
	thief.List = func([]string) string { return jsonArray(lifted) }
	refused(t, cfg, thief.Token(), open.ErrClaims, "larkspur", "victim")
}

// jwesIn returns the JWEs in a selective token of the forge.
func jwesIn(token string) []string {
	payload := string(decode(strings.Split(token, ".")[1]))
	_, list, _ := strings.Cut(payload, `"sealed":[`)
	list, _, _ = strings.Cut(list, "]")
	return strings.Split(strings.ReplaceAll(list, `"`, ""), ",")
}
