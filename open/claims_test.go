package open_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

func claim(name, raw string) func(f *forgery) { return func(f *forgery) { f.claims.set(name, raw) } }

func noClaim(name string) func(f *forgery) { return func(f *forgery) { f.claims.remove(name) } }

// seconds is a NumericDate that lies so many seconds from the clock.
func seconds(fromClock int64) string { return fmt.Sprint(clock.Unix() + fromClock) }

func TestRegisteredClaims(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"exp missing", noClaim("exp"), nil, open.ErrClaims},
		{"exp missing, EXP there", func(f *forgery) { f.claims.remove("exp"); f.claims.add("EXP", seconds(60)) }, nil, open.ErrClaims},
		{"sub missing, SUB there", func(f *forgery) { f.claims.remove("sub"); f.claims.add("SUB", `"somebody"`) }, nil, open.ErrClaims},
		{"nbf missing, Nbf there", func(f *forgery) { f.claims.add("Nbf", "1") }, nil, open.ErrClaims},
		{"iat missing, IAT there", func(f *forgery) { f.claims.remove("iat"); f.claims.add("IAT", seconds(-10)) }, nil, open.ErrClaims},
		{"jti missing, JTI there", func(f *forgery) { f.claims.remove("jti"); f.claims.add("JTI", `"id"`) }, nil, open.ErrClaims},
		{"iss in letters that fold", func(f *forgery) { f.claims.add("i\u017fs2", "1"); f.claims.add("jt\u0131", "1") }, nil, nil},
		{"sub in letters that fold", func(f *forgery) { f.claims.remove("sub"); f.claims.add("\u017fub", `"somebody"`) }, nil, open.ErrClaims},
		{"cnf in other letters", func(f *forgery) { f.claims.add("CNF", `{"jkt":"a"}`) }, nil, open.ErrClaims},
		{"cnf", func(f *forgery) { f.claims.add("cnf", `{"jkt":"a"}`) }, nil, nil},
		{"sid in other letters", func(f *forgery) { f.claims.add("SID", `"session"`) }, nil, open.ErrClaims},
		{"sid", func(f *forgery) { f.claims.add("sid", `"session"`) }, nil, nil},
		{"sid empty", func(f *forgery) { f.claims.add("sid", `""`) }, nil, nil},
		{"sealed in other letters", func(f *forgery) { f.claims.add("Sealed", "[]") }, nil, open.ErrClaims},
		{"exp with a fraction", claim("exp", seconds(60)+".5"), nil, nil},
		{"exp with an exponent", claim("exp", "1.7672259e9"), nil, nil},
		{"exp with a large exponent, cut down", claim("exp", "0.00000000000017672259e22"), nil, nil},
		{"exp zero", func(f *forgery) { f.claims.set("exp", "0"); f.claims.remove("iat") }, nil, open.ErrExpired},
		{"iat missing", noClaim("iat"), nil, nil},
		{"nbf missing", noClaim("nbf"), nil, nil},
		{"jti missing", noClaim("jti"), nil, nil},
		{"sub missing", noClaim("sub"), nil, nil},
		{"sub empty", claim("sub", `""`), nil, nil},
		{"jti empty", claim("jti", `""`), nil, nil},
		{"nbf now", claim("nbf", seconds(0)), nil, nil},

		{"iss missing", noClaim("iss"), nil, open.ErrIssuer},
		{"iss missing, ISS there", func(f *forgery) { f.claims.remove("iss"); f.claims.add("ISS", quoted(issuerID)) }, nil, open.ErrIssuer},
		{"iss null", claim("iss", "null"), nil, open.ErrIssuer},
		{"iss a number", claim("iss", "1"), nil, open.ErrIssuer},
		{"iss an array", claim("iss", "["+quoted(issuerID)+"]"), nil, open.ErrIssuer},
		{"iss an array with others", claim("iss", "["+quoted(strangerID)+","+quoted(issuerID)+"]"), nil, open.ErrIssuer},
		{"iss an object", claim("iss", "{}"), nil, open.ErrIssuer},
		{"iss empty", claim("iss", `""`), nil, open.ErrIssuer},
		{"iss not trusted", claim("iss", quoted(strangerID)), nil, open.ErrIssuer},
		{"iss with a slash behind", claim("iss", quoted(issuerID+"/")), nil, open.ErrIssuer},
		{"iss in another case", claim("iss", quoted(strings.ToUpper(issuerID))), nil, open.ErrIssuer},
		{"iss a beginning of a trusted one", claim("iss", quoted(issuerID[:len(issuerID)-1])), nil, open.ErrIssuer},
		{"iss with a space", claim("iss", quoted(issuerID+" ")), nil, open.ErrIssuer},
		{"iss spelled with escapes", claim("iss", `"https:\/\/id.example.com"`), nil, nil},

		{"aud missing", noClaim("aud"), nil, open.ErrAudience},
		{"aud null", claim("aud", "null"), nil, open.ErrClaims},
		{"aud a number", claim("aud", "1"), nil, open.ErrClaims},
		{"aud an object", claim("aud", "{}"), nil, open.ErrClaims},
		{"aud empty", claim("aud", `""`), nil, open.ErrAudience},
		{"aud an empty array", claim("aud", "[]"), nil, open.ErrAudience},
		{"aud an array of one", claim("aud", "["+quoted(audience)+"]"), nil, nil},
		{"aud an array with us last", claim("aud", `["https://a.example",`+quoted(audience)+"]"), nil, nil},
		{"aud an array without us", claim("aud", `["https://a.example","https://b.example"]`), nil, open.ErrAudience},
		{"aud an array with a number", claim("aud", "["+quoted(audience)+",1]"), nil, open.ErrClaims},
		{"aud an array with null", claim("aud", "["+quoted(audience)+",null]"), nil, open.ErrClaims},
		{"aud an array in an array", claim("aud", "[["+quoted(audience)+"]]"), nil, open.ErrClaims},
		{"aud a substring of ours", claim("aud", quoted(audience[:len(audience)-1])), nil, open.ErrAudience},
		{"aud longer than ours", claim("aud", quoted(audience+"/v1")), nil, open.ErrAudience},
		{"aud a list in one string", claim("aud", quoted("https://a.example "+audience)), nil, open.ErrAudience},
		{"aud in another case", claim("aud", quoted(strings.ToUpper(audience))), nil, open.ErrAudience},
		{"aud another's", claim("aud", `"https://billing.example.com"`), nil, open.ErrAudience},
		{"aud the issuer", claim("aud", quoted(issuerID)), nil, open.ErrAudience},

		{"sealed, empty", claim("sealed", "[]"), nil, open.ErrType},
		{"sealed, a token", claim("sealed", `["AAAA.AAAA.AAAA.AAAA.AAAA"]`), nil, open.ErrType},
		{"sealed, null", claim("sealed", "null"), nil, open.ErrType},
		{"sealed, and expired", func(f *forgery) { f.claims.set("sealed", "[]"); f.claims.remove("exp") }, nil, open.ErrType},
	}
	for _, name := range []string{"exp", "iat", "nbf"} {
		for _, raw := range []string{
			"null", `"1767226500"`, `""`, "true", "false", "[]", "[1767226500]", "{}", "-1", "-1767226500", "-0.5",
			"1e400", "-1e400", "253402300800", "253402300799.1", "9223372036854775807", "9223372036854775808", "1e300",
		} {
			rows = append(rows, row{name + " " + raw, claim(name, raw), nil, open.ErrClaims})
		}
		for _, raw := range []string{"NaN", "Infinity", "01767226500", "+1767226500", "0x69", "1767226500.", ".5", "1_767_226_500", strings.Repeat("1", 200)} {
			rows = append(rows, row{name + " not JSON, " + raw[:min(12, len(raw))], claim(name, raw), nil, open.ErrMalformed})
		}
	}
	for _, name := range []string{"sub", "jti", "sid"} {
		for _, raw := range []string{"null", "1", "true", "[]", `["subject-kestrel-42"]`, "{}"} {
			rows = append(rows, row{name + " " + raw, claim(name, raw), nil, open.ErrClaims})
		}
	}
	run(t, rows)
	var twins []selectiveRow
	for name, raw := range map[string]string{"SUB": `"somebody"`, "IAT": seconds(-10), "NBF": seconds(-10), "JTI": `"id"`, "CNF": "{}", "SID": `"session"`} {
		alone := func(f *forgery) { f.claims.remove(strings.ToLower(name)); f.claims.add(name, raw) }
		twins = append(twins, selectiveRow{name + " alone, in clear", visible(alone), nil, open.ErrClaims})
	}
	runSelective(t, twins)
}

// TestClaimsText is about the payload as a JSON text.
func TestClaimsText(t *testing.T) {
	t.Parallel()
	add := func(name, raw string) func(f *forgery) { return func(f *forgery) { f.claims.add(name, raw) } }
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "1" + strings.Repeat("}", n-1) }
	run(t, []row{
		{"a name twice", add("exp", seconds(99)), nil, open.ErrMalformed},
		{"a name twice, same value", add("aud", quoted(audience)), nil, open.ErrMalformed},
		{"a custom name twice", add("email", `"eve@example.com"`), nil, open.ErrMalformed},
		{"a name twice, with an escape", add(`\u0065xp`, seconds(99)), nil, open.ErrMalformed},
		{"exp and EXP", add("EXP", seconds(99)), nil, open.ErrMalformed},
		{"exp and Exp", add("Exp", seconds(99)), nil, open.ErrMalformed},
		{"sub and its long s", add("\u017fub", `"eve"`), nil, open.ErrMalformed},
		{"sub and its long s, escaped", add(`\u017fub`, `"eve"`), nil, open.ErrMalformed},
		{"a name twice, one level down", add("address", `{"a":1,"b":2,"a":3}`), nil, open.ErrMalformed},
		{"a name twice, in an array", add("list", `[0,{"x":{"a":1,"a":3}}]`), nil, open.ErrMalformed},
		{"names in two cases, one level down", add("rights", `{"aB3xQ":1,"ab3xq":2}`), nil, nil},
		{"names in two cases, in an array", add("list", `[0,{"x":{"a":1,"A":3}}]`), nil, nil},
		{"a name twice behind an escape, one level down", add("rights", `{"a":1,"A":2,"\u0061":3}`), nil, open.ErrMalformed},
		{"one name in two objects", add("list", `[{"a":1},{"a":2}]`), nil, nil},
		{"invalid UTF-8", add("x", "\"\xff\""), nil, open.ErrMalformed},
		{"an overlong dot", add("x", "\"\xc0\xae\""), nil, open.ErrMalformed},
		{"a surrogate in UTF-8", add("x", "\"\xed\xa0\x80\""), nil, open.ErrMalformed},
		{"a lone high surrogate", add("x", `"\ud800"`), nil, open.ErrMalformed},
		{"a lone low surrogate", add("x", `"\udc00"`), nil, open.ErrMalformed},
		{"a lone surrogate in a name", add(`\udfff`, `1`), nil, open.ErrMalformed},
		{"a surrogate pair", add("x", `"\ud83d\ude00"`), nil, nil},
		{"a control character", add("x", "\"\x01\""), nil, open.ErrMalformed},
		{"depth 32", add("x", deep(32)), nil, nil},
		{"depth 33", add("x", deep(33)), nil, open.ErrMalformed},
		{"a number of 129 digits", add("x", strings.Repeat("7", 129)), nil, open.ErrMalformed},
		{"single quotes", add("x", "'y'"), nil, open.ErrMalformed},
	})
}

// TestTimes goes to the edges, a nanosecond to either side.
func TestTimes(t *testing.T) {
	t.Parallel()
	const hour = 3600
	times := func(claims map[string]int64) func(f *forgery) {
		return func(f *forgery) {
			for _, name := range []string{"iat", "nbf", "exp"} {
				f.claims.remove(name)
				if at, ok := claims[name]; ok {
					f.claims.set(name, seconds(at))
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
		at     time.Duration // from the clock
		want   error
	}{
		{"exp in a second", m{"exp": 1}, nil, 0, nil},
		{"exp now", m{"exp": 0}, nil, 0, nil},
		{"exp just inside the leeway", m{"exp": -59}, nil, 0, nil},
		{"exp a nanosecond before the end of the leeway", m{"exp": 0}, nil, time.Minute - 1, nil},
		{"exp at the end of the leeway", m{"exp": -60}, nil, 0, open.ErrExpired},
		{"exp long ago", m{"exp": -9999}, nil, 0, open.ErrExpired},
		{"exp 10 min ago, leeway 10 min", m{"exp": -600}, leeway(open.MaxLeeway), 0, open.ErrExpired},
		{"exp 9 min 59 s ago, leeway 10 min", m{"exp": -599}, leeway(open.MaxLeeway), 0, nil},
		{"exp now, leeway 1 ns", m{"exp": 0}, leeway(1), 0, nil},
		{"exp 1 ns ago, leeway 1 ns", m{"exp": 0}, leeway(1), 1, open.ErrExpired},

		{"iat at the end of the leeway", m{"iat": 60, "exp": 600}, nil, 0, nil},
		{"iat a second beyond the leeway", m{"iat": 61, "exp": 600}, nil, 0, open.ErrNotYetValid},
		{"iat a nanosecond beyond the leeway", m{"iat": 60, "exp": 600}, nil, -1, open.ErrNotYetValid},
		{"iat at the end of a leeway of 5 s", m{"iat": 5, "exp": 600}, leeway(5 * time.Second), 0, nil},
		{"iat beyond a leeway of 5 s", m{"iat": 6, "exp": 600}, leeway(5 * time.Second), 0, open.ErrNotYetValid},
		{"nbf at the end of the leeway", m{"nbf": 60, "exp": 600}, nil, 0, nil},
		{"nbf a second beyond the leeway", m{"nbf": 61, "exp": 600}, nil, 0, open.ErrNotYetValid},
		{"nbf a nanosecond beyond the leeway", m{"nbf": 60, "exp": 600}, nil, -1, open.ErrNotYetValid},
		{"nbf beyond, iat before", m{"iat": -10, "nbf": 61, "exp": 600}, nil, 0, open.ErrNotYetValid},
		{"nbf before, iat beyond", m{"iat": 61, "nbf": -10, "exp": 600}, nil, 0, open.ErrNotYetValid},

		{"exp is iat", m{"iat": 10, "exp": 10}, nil, 0, open.ErrClaims},
		{"exp before iat", m{"iat": 10, "exp": 9}, nil, 0, open.ErrClaims},
		{"exp a second after iat", m{"iat": 10, "exp": 11}, nil, 0, nil},
		{"exp is nbf", m{"nbf": 10, "exp": 10}, nil, 0, open.ErrClaims},
		{"exp before nbf", m{"nbf": 10, "exp": 9}, nil, 0, open.ErrClaims},
		{"exp a second after nbf", m{"nbf": 10, "exp": 11}, nil, 0, nil},

		{"an hour from iat", m{"iat": 0, "exp": hour}, nil, 0, nil},
		{"an hour and a second from iat", m{"iat": 0, "exp": hour + 1}, nil, 0, open.ErrLifetime},
		{"an hour and a second from iat, nearly over", m{"iat": -hour, "exp": 1}, nil, 0, open.ErrLifetime},
		{"an hour from iat, an hour later", m{"iat": -hour, "exp": 0}, nil, 0, nil},
		{"an hour from now", m{"exp": hour}, nil, 0, nil},
		{"an hour and a second from now", m{"exp": hour + 1}, nil, 0, open.ErrLifetime},
		{"an hour from now, a nanosecond earlier", m{"exp": hour}, nil, -1, open.ErrLifetime},
		{"nbf does not make it shorter", m{"nbf": 30, "exp": hour + 1}, nil, 0, open.ErrLifetime},
		{"exp in the year 9999", func() m { return m{"iat": 0, "exp": 253402300799 - clock.Unix()} }(), nil, 0, open.ErrLifetime},
		{"iat in 1970, exp in the year 9999", m{"iat": -clock.Unix(), "exp": 253402300799 - clock.Unix()}, lifetime(1<<63 - 1), 0, nil},
		{"iat in 1970", m{"iat": -clock.Unix(), "exp": 60}, nil, 0, open.ErrLifetime},
		{"MaxLifetime of a day", m{"iat": 0, "exp": 24 * hour}, lifetime(24 * time.Hour), 0, nil},
		{"a second over MaxLifetime of a day", m{"iat": 0, "exp": 24*hour + 1}, lifetime(24 * time.Hour), 0, open.ErrLifetime},
		{"MaxLifetime of a minute", m{"iat": 0, "exp": 60}, lifetime(time.Minute), 0, nil},
		{"a second over MaxLifetime of a minute", m{"iat": 0, "exp": 61}, lifetime(time.Minute), 0, open.ErrLifetime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := forge()
			times(tt.claims)(f)
			cfg := config()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			token := f.token()
			tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock.Add(tt.at))
			if !errors.Is(err, tt.want) || (err == nil) != (tok != nil) {
				t.Fatalf("%v, %v; want %v", tok, err, tt.want)
			}
			if err != nil {
				checkRefusal(t, err, tt.want, token, f.secrets()...)
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
			f.claims.set("nbf", inside["nbf"])
			f.claims.set("sid", inside["sid"])
			f.outer.set(name, raw)
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
				f.claims.remove(name)
			}, nil, open.ErrClaims})
		}
		if raw[0] == '"' {
			rows = append(rows,
				row{name + " empty outside", replicate(name, `""`), nil, open.ErrClaims},
				row{name + " in another case outside", replicate(name, strings.ToUpper(raw)), nil, open.ErrClaims})
		}
	}
	empty := func(name string, bend func(f *forgery)) func(f *forgery) {
		return func(f *forgery) { f.outer.set(name, `""`); bend(f) }
	}
	all := func(f *forgery) {
		f.claims.set("nbf", inside["nbf"])
		f.claims.set("sid", inside["sid"])
		for name, raw := range inside {
			f.outer.set(name, raw)
		}
	}
	run(t, append(rows,
		row{"all equal", all, nil, nil},
		row{"all equal but one", func(f *forgery) { all(f); f.outer.set("sub", other["sub"]) }, nil, open.ErrClaims},
		row{"sub of another type outside, empty inside", func(f *forgery) { f.claims.set("sub", `""`); f.outer.set("sub", "{}") }, nil, open.ErrClaims},
		row{"sub empty outside, absent inside", empty("sub", noClaim("sub")), nil, open.ErrClaims},
		row{"jti empty outside, absent inside", empty("jti", noClaim("jti")), nil, open.ErrClaims},
		row{"sub empty on both sides", empty("sub", claim("sub", `""`)), nil, nil},
		row{"exp with a fraction outside", replicate("exp", seconds(600)+".5"), nil, open.ErrClaims},
		row{"exp spelled otherwise outside", replicate("exp", seconds(600)+".0"), nil, nil},
		row{"aud with one more outside", replicate("aud", "["+quoted(audience)+`,"https://b.example"]`), nil, open.ErrClaims},
		row{"aud in another order", func(f *forgery) {
			f.claims.set("aud", `["https://b.example",`+quoted(audience)+"]")
			f.outer.set("aud", "["+quoted(audience)+`,"https://b.example"]`)
		}, nil, open.ErrClaims},
		row{"aud with a number outside", replicate("aud", "["+quoted(audience)+",1]"), nil, open.ErrClaims},
		row{"aud empty array outside", replicate("aud", "[]"), nil, open.ErrClaims},
		row{"aud ours outside only", func(f *forgery) { f.claims.set("aud", other["aud"]); f.outer.set("aud", quoted(audience)) }, nil, open.ErrAudience},
		row{"a custom claim outside is not compared", replicate("email", `"eve@example.com"`), nil, nil},
		row{"in the inner header it means nothing", func(f *forgery) { f.inner.set("iss", "5"); f.inner.set("exp", "0") }, nil, nil},
	))
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	own, other := testKeyFor(keys.ES256), newTestKey(keys.ES256, "other-issuers-key", newP256())
	sameKid := newTestKey(keys.ES256, own.kid, newP256())
	trust := func(ks ...*testKey) func(c *anyOpen) {
		return func(c *anyOpen) {
			c.Trust = []open.Issuer{{ID: issuerID, Keys: publicSet(ks[0])}, {ID: otherID, Keys: publicSet(ks[1])}}
		}
	}
	signedBy := func(k *testKey) func(f *forgery) {
		return func(f *forgery) { f.signer = k; f.inner.set("kid", quoted(k.kid)) }
	}
	run(t, []row{
		{"the first", nil, trust(own, other), nil},
		{"the second", func(f *forgery) { signedBy(other)(f); f.claims.set("iss", quoted(otherID)) }, trust(own, other), nil},
		{"the first's token with the second's key", signedBy(other), trust(own, other), open.ErrUnknownKey},
		{"the first's token with the second's key under the first's kid", func(f *forgery) {
			f.signer = other
		}, trust(own, other), open.ErrNotAuthentic},
		{"the first's token with the second's key, one kid for both", signedBy(sameKid), trust(own, sameKid), open.ErrNotAuthentic},
		{"the second's token with the first's key", claim("iss", quoted(otherID)), trust(own, other), open.ErrUnknownKey},
		{"the second's token with the first's key, one kid for both", claim("iss", quoted(otherID)), trust(own, sameKid), open.ErrNotAuthentic},
		{"one kid for both, the second's own", func(f *forgery) { signedBy(sameKid)(f); f.claims.set("iss", quoted(otherID)) }, trust(own, sameKid), nil},
		{"a stranger's", func(f *forgery) { signedBy(other)(f); f.claims.set("iss", quoted(strangerID)) }, trust(own, sameKid), open.ErrIssuer},
	})
}

// TestForwarded: what was sealed to another recipient, who then encrypted it to
// us, is not for us.
func TestForwarded(t *testing.T) {
	t.Parallel()
	f := forge()
	f.claims.set("aud", `"https://billing.example.com"`)
	inner := f.jws()
	// The forwarder copies what it likes into the header.
	g := forge()
	g.outer.set("aud", quoted(audience))
	g.bendInner = func(string) string { return inner }
	refused(t, config(), g.token(), open.ErrAudience, f.secrets()...)
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
	tok, err := newOpener(t, cfg).OpenAt(ctx, forge().token(), clock)
	if err != nil || seen != tok || seen.ID() != "id-bramble-99" || seen.Issuer() != issuerID || seen.SigningKeyID() == "" {
		t.Fatalf("Open returned %v, %v, and Check saw %v", tok, err, seen)
	}

	revoked := errors.New("session ended")
	cfg.Check = func(context.Context, *open.Token) error { return revoked }
	tok, err = newOpener(t, cfg).OpenAt(ctx, forge().token(), clock)
	if tok != nil || !errors.Is(err, open.ErrCheck) || !errors.Is(err, revoked) {
		t.Errorf("Open returned %v, %v", tok, err)
	}
	refused(t, cfg, forge().token(), open.ErrCheck, forge().secrets()...)
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
		if _, err := o.OpenAt(ctx, forge().token(), clock); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(private.asked, []string{"private"}) || !slices.Equal(public.asked, []string{"kid-of-ES256"}) || stranger.asked != nil {
			t.Errorf("asked for %q, %q and %q", private.asked, public.asked, stranger.asked)
		}
		if private.ctx.Value(key{}) != "passed on" || public.ctx.Value(key{}) != "passed on" {
			t.Error("a source gets another context")
		}
		// What is malformed costs no look at the keys, what does not decrypt none
		// at those of an issuer.
		f := forge()
		f.outer.set("zip", `"DEF"`)
		if _, err := o.OpenAt(ctx, f.token(), clock); err == nil || len(private.asked) != 1 {
			t.Errorf("malformed: %v, keys asked for %d times", err, len(private.asked))
		}
		// Nor does a kid that nobody can have: whoever has our public key could make
		// a source that fetches do so for any text.
		for _, kid := range []string{"", "é", "a\nb", strings.Repeat("k", 257)} {
			f = forge()
			f.inner.set("kid", strconv.Quote(kid))
			if _, err := o.OpenAt(ctx, f.token(), clock); !errors.Is(err, open.ErrUnknownKey) || len(public.asked) != 1 {
				t.Errorf("kid %q: %v, keys asked for %d times", kid, err, len(public.asked))
			}
		}
		f = forge()
		f.bendParts = func(p *parts) { p.tag = flip(p.tag, 0) }
		if _, err := o.OpenAt(ctx, f.token(), clock); err == nil || len(public.asked) != 1 {
			t.Errorf("not decryptable: %v, keys asked for %d times", err, len(public.asked))
		}
	})
	t.Run("failing", func(t *testing.T) {
		cfg := config()
		cfg.Decryption = &keySource{err: down}
		tok, err := newOpener(t, cfg).OpenAt(ctx, forge().token(), clock)
		if tok != nil || !errors.Is(err, open.ErrKeySource) || !errors.Is(err, down) {
			t.Errorf("private: %v, %v", tok, err)
		}
		refused(t, cfg, forge().token(), open.ErrKeySource, forge().secrets()...)
		cfg = config()
		cfg.Trust[0].Keys = &keySource{err: down}
		tok, err = newOpener(t, cfg).OpenAt(ctx, forge().token(), clock)
		if tok != nil || !errors.Is(err, open.ErrKeySource) || !errors.Is(err, down) {
			t.Errorf("public: %v, %v", tok, err)
		}
		refused(t, cfg, forge().token(), open.ErrKeySource, forge().secrets()...)
	})
	t.Run("reloading", func(t *testing.T) {
		source := &reloadable{keySource: keySource{set: privateSet(testKeyFor(keys.ECDHESA256KW))}}
		cfg := config()
		cfg.Decryption = source
		refused(t, cfg, forge().token(), open.ErrUnknownKey)
		if source.reloads != 1 {
			t.Errorf("%d reloads for an unknown kid", source.reloads)
		}
		source.after = good.Decryption.(*keys.Set)
		accepted(t, cfg, forge().token())
		source.reloadErr = down
		refused(t, cfg, forge().token(), open.ErrKeySource)
		// A kid that is known, and one that is missing, are no reason to reload.
		source.set, source.reloads = source.after, 0
		accepted(t, cfg, forge().token())
		f := forge()
		f.outer.remove("kid")
		refused(t, cfg, f.token(), open.ErrUnknownKey)
		f = forge()
		f.bendParts = func(p *parts) { p.tag = flip(p.tag, 0) }
		refused(t, cfg, f.token(), open.ErrNotAuthentic)
		if source.reloads != 0 {
			t.Errorf("%d reloads for nothing", source.reloads)
		}
	})
}

// reloadable is a source that answers otherwise after a reload.
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
