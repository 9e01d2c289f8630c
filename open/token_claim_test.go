package open_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/sealjwt/sealjwt/open"
)

// claimNames has names that are hard to spell, and claimValues has values that differ in their text
// only.
var (
	claimNames = []string{"scope", "sub_2", "", " ", "a b", "é", "e\u0301", "\u2028", "😀", "\x00", `"`, `\`, "/", "<&>", "sealed2", "sub.x", "\ufffd", "0"}

	claimValues = []string{"null", "true", `""`, `"null"`, "0", "-0.0E+2", "12345678901234567890", `"\u0061\/"`, `"a"`, `"<&>"`,
		"[ ]", "[\n1 ,\t2]", "{ }", `{ "scope" : { "sealed":null } }`, `{"\u0061" :[[]]}`, `"😀\ud83d\ude00"`}
)

// halfEscaped returns a name as JSON without its quotes. Half of its characters are escaped.
func halfEscaped(r *rand.Rand, name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= ' ' && c != '"' && c != '\\' && r.IntN(2) == 0 {
			b.WriteRune(c)
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			fmt.Fprintf(&b, []string{`\u%04x`, `\u%04X`}[r.IntN(2)], unit)
		}
	}
	return b.String()
}

// sameClaims compares each claim with the one that Claims returns, and asks for names that resemble
// a claim.
func sameClaims(t *testing.T, what string, tok *open.Token, spelled []string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := tok.Claims(&all); err != nil {
		t.Fatal(err)
	}
	asked := append([]string{"sealed", "iss", "jti", "nbf", "ISS", "Scope", "\ufffd", "\xff", `\u0000`}, claimNames...)
	asked = append(asked, spelled...)
	for name := range all {
		asked = append(asked, name, strings.ToUpper(name), name+" ", quoted(name))
	}
	for _, name := range asked {
		want, there := all[name]
		value, ok := tok.Claim(name)
		if ok != there || string(value) != string(want) || !ok && value != nil {
			t.Errorf("%s: the claim %q is %q, %t; in all of them %q, %t", what, name, value, ok, want, there)
		}
	}
}

// Claim returns the same value as Claims, for all claims and all spellings.
func TestClaimIsOneOfClaims(t *testing.T) {
	t.Parallel()
	visible := selectiveConfig()
	gateway(&visible)
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		nested, selective := forgeNested(), forgeSelective()
		var spelled []string
		for _, i := range r.Perm(len(claimNames))[:r.IntN(len(claimNames))] {
			name, value := halfEscaped(r, claimNames[i]), claimValues[r.IntN(len(claimValues))]
			spelled = append(spelled, name)
			nested.Claims.Add(name, value)
			to := selective.Ours()
			if r.IntN(2) == 0 {
				to = selective.Draft
			}
			if claimNames[i] == "scope" { // the token has it already
				selective.Draft.Claims.Remove("scope")
			}
			to.Claims.Add(name, value)
		}
		token := selective.Token()
		sameClaims(t, fmt.Sprint(seed, ", nested"), accepted(t, config(), nested.Token()), spelled)
		sameClaims(t, fmt.Sprint(seed, ", selective"), accepted(t, selectiveConfig(), token), spelled)
		sameClaims(t, fmt.Sprint(seed, ", gateway"), accepted(t, visible, token), spelled)
	}
}

// Claim does not depend on the place of a claim in a selective token. There is no claim sealed, and
// no claim of another recipient.
func TestClaim(t *testing.T) {
	t.Parallel()
	nested := forgeNested()
	nested.Claims.Add(`sc\u006fpe`, ` "a\u0062c" `)
	nested.Claims.Add("nothing", "null")
	visible := selectiveConfig()
	gateway(&visible)
	selective := forgeSelective().Token()
	for _, tt := range []struct {
		cfg   anyOpen
		token string
		want  map[string]string // empty: there is none
	}{
		{config(), nested.Token(), map[string]string{"scope": `"a\u0062c"`, `sc\u006fpe`: "", "SCOPE": "", "nothing": "null", "jti": `"id-bramble-99"`, "nbf": ""}},
		{selectiveConfig(), selective, map[string]string{"scope": `"read-thistle"`, "weight": "84.50", "note": `"a < b & c > d"`, "account": "", "sealed": "", "cnf": ""}},
		{visible, selective, map[string]string{"scope": `"read-thistle"`, "weight": "", "email": "", "account": "", "sealed": ""}},
	} {
		tok := accepted(t, tt.cfg, tt.token)
		for name, want := range tt.want {
			if value, ok := tok.Claim(name); string(value) != want || ok != (want != "") {
				t.Errorf("%q is %q, %t, want %q", name, value, ok, want)
			}
		}
	}
}

// A caller cannot change a token through the results of its methods, whether the token is shared or
// not.
func TestClaimIsACopy(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 100} {
		for _, tt := range []struct {
			cfg   anyOpen
			token string
		}{{config(), forgeNested().Token()}, {selectiveConfig(), forgeSelective().Token()}} {
			tt.cfg.Limits.Cache = size
			o := newOpener(t, tt.cfg)
			o.SetNow(func() time.Time { return clock })
			tok := opens(t, o, tt.token)
			want := string(rawClaims(t, tok))
			for _, name := range []string{"iss", "email", "weight"} {
				value, ok := tok.Claim(name)
				if !ok {
					t.Fatalf("no %s", name)
				}
				copy(append(value, "x"...), strings.Repeat("x", 100))
				clear(value)
			}
			again := opens(t, o, tt.token)
			if (again == tok) != (size > 0) {
				t.Errorf("Cache %d: kept %t", size, again == tok)
			}
			if email, _ := again.Claim("email"); string(rawClaims(t, tok)) != want || string(rawClaims(t, again)) != want || string(email) != `"ada.quillwood@example.com"` {
				t.Errorf("Cache %d: the token was changed", size)
			}
		}
	}
}

// Claim allocates its copy and nothing for the other claims.
func TestClaimAllocates(t *testing.T) {
	f := forgeNested()
	f.Claims.Add(`sc\u006fpe`, `"read"`)
	for i := range 500 {
		f.Claims.Add(fmt.Sprint("claim-", i), `{"a":[1,2,3]}`)
	}
	tok := accepted(t, config(), f.Token())
	for name, want := range map[string]float64{"scope": 1, "claim-499": 1, "cnf": 0} {
		if n := testing.AllocsPerRun(100, func() { tok.Claim(name) }); n != want {
			t.Errorf("%s: %v allocations, want %v", name, n, want)
		}
	}
}
