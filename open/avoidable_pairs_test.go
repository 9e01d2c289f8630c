package open_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// defects are the faults that a token may have. It may have several.
var defects = []struct {
	name string
	bend func(f *forgery)
}{
	{"no typ", noTyp}, {"no cty", noCty}, {"no exp", noClaim("exp")}, {"no kid", noKid}, {"no inner kid", noInnerKid},
	{"another typ", func(f *forgery) { f.Inner.Set("typ", `"JWT"`) }},
	{"an empty typ", func(f *forgery) { f.Inner.Set("typ", `""`) }},
	{"another cty", outer("cty", `"JOSE"`)},
	{"a long life", func(f *forgery) { f.Claims.Set("iat", seconds(-9000)) }},
	{"expired", func(f *forgery) { f.Claims.Set("iat", seconds(-9000)); f.Claims.Set("exp", seconds(-8000)) }},
	{"not yet valid", claim("nbf", seconds(400))},
	{"no iat", noClaim("iat")},
	{"no email", noClaim("email")},
	{"events", claim("events", "{}")},
	{"another audience", claim("aud", `"x"`)},
	{"another issuer", claim("iss", `"x"`)},
	{"a number for jti", claim("jti", "7")},
	{"another iss in the header", outer("iss", `"x"`)},
	{"email in the header", outer("email", `"x"`)},
	{"of the other form", claim("sealed", "[]")},
	{"a long header", func(f *forgery) { f.Outer.Set("pad", quoted(strings.Repeat("x", 5000))) }},
	{"a long inner header", func(f *forgery) { f.Inner.Set("pad", quoted(strings.Repeat("x", 5000))) }},
	{"a long token", claim("blob", quoted(strings.Repeat("x", 64<<10)))},
	{"a bad signature", func(f *forgery) { f.Sign = func([]byte) []byte { return make([]byte, 64) } }},
	{"a bad tag", func(f *forgery) { f.BendParts = func(p *parts) { p.Tag[0] ^= 1 } }},
	{"not signed", plaintext("hello")},
	{"an unknown kid", outer("kid", `"x"`)},
	{"an unknown inner kid", func(f *forgery) { f.Inner.Set("kid", `"x"`) }},
	{"another alg", func(f *forgery) { f.Inner.Set("alg", `"EdDSA"`) }},
}

// severalDefects yields tokens with one or two defects, with their names. With SEALJWT_LONG=1 it
// also yields three.
func severalDefects(yield func(names, token string) bool) {
	three := os.Getenv("SEALJWT_LONG") != ""
	for i := range defects {
		for j := i; j < len(defects); j++ {
			for k := j; k < len(defects); k++ {
				if k > j && (i == j || !three) { // i, i, k is the same as i, k, k
					continue
				}
				f := forgeNested()
				var names []string
				for _, d := range slices.Compact([]int{i, j, k}) {
					names = append(names, defects[d].name)
					defects[d].bend(f)
				}
				if !yield(strings.Join(names, ", "), f.Token()) {
					return
				}
			}
		}
	}
}

// TestAvoidablePairs is TestAvoidable for tokens with several defects. If a refusal says that some
// settings accept the token, they avoid this refusal. If it names no setting, the token is refused
// with all of AllowMissing.
func TestAvoidablePairs(t *testing.T) {
	t.Parallel()
	accepted := 0
	for _, require := range [][]string{nil, {"email"}} {
		cfg := config()
		cfg.Require = require
		cfg.Trust[0].Keys, cfg.Decryption = publicSet(testKeyFor(keys.ES256)), privateSet(testKeyFor(keys.ECDHES))
		strict := newOpener(t, cfg)
		severalDefects(func(names, token string) bool {
			_, err := strict.OpenAt(t.Context(), token, clock)
			refusal, ok := errors.AsType[*open.Error](err)
			if !ok {
				return true // the token lacks a member that this configuration does not require
			}
			missing, field := refusal.Avoidable()
			_, after := newOpener(t, avoiding(cfg, missing, field)).OpenAt(t.Context(), token, clock)
			switch named := missing != 0 || field != ""; {
			case !named && after == nil:
				t.Errorf("%s: accepted with all of AllowMissing, and the refusal names none: %s", names, refusal.Detail())
			case strings.Contains(refusal.Detail(), "; accepted with "):
				if accepted++; after != nil {
					t.Errorf("%s: %s; with that it is refused: %s", names, refusal.Detail(), detail(after))
				}
			case named && after != nil && detail(after) == refusal.Detail():
				t.Errorf("%s: the setting changes nothing: %s", names, refusal.Detail())
			}
			return true
		})
	}
	if accepted < 10 {
		t.Errorf("only %d refusals say what accepts the token", accepted)
	}
}

// avoiding returns the configuration with the settings that a refusal names, or with all of
// AllowMissing if it names none.
func avoiding(cfg anyOpen, missing open.Missing, field string) anyOpen {
	cfg.Trust = slices.Clone(cfg.Trust)
	switch {
	case field == "Issuer.Type":
		cfg.SetType("JWT")
	case field != "":
		cfg.Limits = open.Limits{MaxLifetime: 24 * time.Hour, MaxSize: 1 << 20, MaxHeader: 16 << 10}
	case missing == 0:
		missing = allMissing
	}
	cfg.Allow(missing)
	if missing&open.Type != 0 {
		cfg.Require = append(slices.Clone(cfg.Require), "sub")
	}
	return cfg
}
