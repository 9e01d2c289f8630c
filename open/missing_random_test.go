package open_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// lackable is a member that a token may lack.
type lackable struct {
	name     string
	of       func(f *forgery) *forge.Object
	good     string
	missing  open.Missing
	byIssuer bool // the issuer allows it, and not the configuration
}

func allLackable() []lackable {
	outer := func(f *forgery) *forge.Object { return &f.Outer }
	inner := func(f *forgery) *forge.Object { return &f.Inner }
	return []lackable{
		{"typ", inner, `"sealed+jwt"`, open.Type, true},
		{"kid", inner, quoted(testKeyFor(keys.ES256).Kid), open.KeyID, true},
		{"exp", func(f *forgery) *forge.Object { return &f.Claims }, seconds(600), open.Expiry, true},
		{"cty", outer, `"JWT"`, open.ContentType, false},
		{"kid", outer, quoted(testKeyFor(keys.ECDHES).Kid), open.KeyID, false},
	}
}

// oddities are other values of such a member.
var oddities = []string{`""`, "null", "0", `"JWT"`, `"jwt"`, `"sealed+JWT"`, `"application/sealed+jwt"`, `"x"`, "[]", "{}", "1e3", "false"}

// A random token passes with some switches if and only if it lacks no other members than they name,
// and not both typ and exp. It passes the strict Opener once the missing members are added.
func TestMissingIsTheOnlyDifference(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 1))
	cfg := config()
	cfg.Trust[0].Keys, cfg.Decryption = publicSet(testKeyFor(keys.ES256)), privateSet(testKeyFor(keys.ECDHES))
	cfg.Require = []string{"email"}
	strict, passed := newOpener(t, cfg), 0
	for range 2000 {
		relaxed := cfg
		relaxed.Trust = slices.Clone(cfg.Trust)
		relaxed.Trust[0].AllowMissing = open.Missing(r.IntN(16)) & (open.Type | open.Expiry | open.KeyID)
		relaxed.AllowMissing = open.Missing(r.IntN(16)) & (open.KeyID | open.ContentType)

		f, complete := forgeNested(), forgeNested()
		story, ofIssuer, ofConfig := bendAtRandom(r, f, complete)
		_, err := newOpener(t, relaxed).OpenAt(t.Context(), f.Token(), clock)
		_, errComplete := strict.OpenAt(t.Context(), complete.Token(), clock)
		allowed := ofIssuer&^relaxed.Trust[0].AllowMissing == 0 && ofConfig&^relaxed.AllowMissing == 0 &&
			ofIssuer&(open.Type|open.Expiry) != open.Type|open.Expiry
		if (err == nil) != (allowed && errComplete == nil) {
			t.Errorf("%v, with %v and %v: %v, and complete: %v", story, relaxed.Trust[0].AllowMissing, relaxed.AllowMissing, detail(err), detail(errComplete))
		}
		if err == nil && ofIssuer|ofConfig != 0 {
			passed++
		}
	}
	if passed < 100 {
		t.Errorf("only %d tokens that lack something pass", passed)
	}
}

// bendAtRandom removes some members from f, and changes others in f and in complete. It returns its
// changes, and the members that the issuer and the configuration must let f lack.
func bendAtRandom(r *rand.Rand, f, complete *forgery) (story []string, ofIssuer, ofConfig open.Missing) {
	for _, m := range allLackable() {
		both := func(name string, change func(o *forge.Object)) {
			change(m.of(f))
			change(m.of(complete))
			story = append(story, name)
		}
		switch r.IntN(18) {
		case 0, 1, 2, 3, 4, 5:
			m.of(f).Remove(m.name)
			story = append(story, "no "+m.name)
			if m.byIssuer {
				ofIssuer |= m.missing
			} else {
				ofConfig |= m.missing
			}
		case 6:
			odd := oddities[r.IntN(len(oddities))]
			both(m.name+" is "+odd, func(o *forge.Object) { o.Set(m.name, odd) })
		case 7: // a name that some readers take for the right one
			upper := strings.ToUpper(m.name)
			both(upper, func(o *forge.Object) { o.Add(upper, m.good) })
		}
	}
	for _, o := range []*forge.Object{&f.Outer, &f.Inner} { // the fast path expects an order
		if r.IntN(3) == 0 {
			o.Members = slices.Clone(o.Members)
			r.Shuffle(len(o.Members), func(i, j int) { o.Members[i], o.Members[j] = o.Members[j], o.Members[i] })
		}
	}
	return story, ofIssuer, ofConfig
}
