package open_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// hostile returns texts of about size bytes that cost a reader time or memory.
func hostile(size int) map[string]string {
	claims := func(text string) string {
		f := forgeNested()
		f.Claims.Say(text)
		return f.Token()
	}
	header := func(text string) string {
		return encode([]byte(text)) + "...."
	}
	// Encryption and signature make a text longer by 16/9.
	inner := size * 9 / 16
	members := func(size int) string {
		var b strings.Builder
		b.WriteByte('{')
		for b.Len() < size {
			fmt.Fprintf(&b, `"%s%x":1,`, strings.Repeat("m", 1+b.Len()%3), b.Len())
		}
		return b.String() + `"end":1}`
	}
	start := `{"iss":"` + issuerID + `","aud":"` + audience + `","exp":1767220000,` // expired, if all else is taken
	return map[string]string{
		"dots":                        strings.Repeat(".", size),
		"one part":                    strings.Repeat("A", size),
		"five parts":                  strings.Repeat(strings.Repeat("A", size/5)+".", 4) + strings.Repeat("A", size/5),
		"a header of many members":    header(members(size * 3 / 4)),
		"a header of one long number": header(`{"alg":` + strings.Repeat("9", size*3/4) + `}`),
		"a deep header":               header(`{"alg":` + strings.Repeat("[", size*3/4)),
		"claims of many members":      claims(start + members(inner)[1:]),
		"claims of one long number":   claims(start + `"n":` + strings.Repeat("9", inner) + `}`),
		"deep claims":                 claims(start + `"n":` + strings.Repeat("[", inner)),
		"claims of a long aud":        claims(`{"iss":"` + issuerID + `","exp":1767220000,"aud":[` + strings.Repeat(`"a",`, inner/4) + `"b"]}`),
		"claims of empty arrays":      claims(start + `"n":[` + strings.Repeat(`[],`, inner/3) + `[]]}`),
		"claims of one long string":   claims(start + `"n":"` + strings.Repeat(`\u0041`, inner/6) + `"`),
		"claims of colons":            claims(start + `"n":"` + strings.Repeat(":", inner) + `"}`),
		"an iss of colons":            claims(`{"iss":"\u0041` + strings.Repeat(":", inner) + `"}`),
		"an iss of escapes":           claims(`{"iss":"` + strings.Repeat(`\u0041`, inner/6) + `"}`),
		"names of escapes":            claims(start + escapedNames(inner) + `"end":1}`),
		"inner dots":                  bent(func(f *forgery) { f.BendPlain = func(string) string { return strings.Repeat(".", size*3/4) } }),
		"a long signature":            bent(func(f *forgery) { f.BendPlain = func(s string) string { return s + strings.Repeat("AAAA", size*3/16) } }),
	}
}

// escapedNames returns members whose names must be decoded.
func escapedNames(size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, `"\u0041%x":1,`, b.Len())
	}
	return b.String()
}

// hostileSelective returns such texts in the selective form. A trusted issuer has signed some of
// them.
func hostileSelective(size int) map[string]string {
	inner := size * 3 / 4
	claims := func(text string) string {
		s := forgeSelective()
		s.Claims.Say(text)
		return s.Token()
	}
	members := func(size int) string {
		var b strings.Builder
		for b.Len() < size {
			fmt.Fprintf(&b, `,"%x":1`, b.Len())
		}
		return b.String()
	}
	start := `{"iss":"` + issuerID + `","aud":"` + audience + `","iat":1767225600,"exp":1767226000,"jti":"id-bramble-99"`
	jwe := func(kid int) string {
		header := fmt.Sprintf(`{"alg":"ECDH-ES","kid":"%d","cty":"sealed-claims+json","jti":"id-bramble-99","iss":%s}`, kid, quoted(issuerID))
		return encode([]byte(header)) + "...."
	}
	jwes := func(size int) string {
		var all []string
		for n := 0; n < size; {
			all = append(all, quoted(jwe(len(all))))
			n += len(all[len(all)-1]) + 1
		}
		return `,"sealed":[` + strings.Join(all, ",") + "]"
	}
	return map[string]string{
		"a stranger's payload":      encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode([]byte(`{"iss":"\u0041`+strings.Repeat(":", inner)+`"}`)) + ".",
		"a stranger's signature":    encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode([]byte(`{"iss":`+quoted(issuerID)+`}`)) + "." + strings.Repeat("AAAA", size/4),
		"dots":                      strings.Repeat(".", size),
		"visible members":           claims(start + members(inner) + `,"sealed":["` + jwe(1) + `"]}`),
		"JWEs for others":           claims(start + jwes(inner) + "}"),
		"JWEs, and visible members": claims(start + members(inner/2) + jwes(inner/2) + "}"),
		"sealed of empty texts":     claims(start + `,"sealed":[` + strings.Repeat(`"",`, min(inner/3, 900)) + `""]}`),
	}
}

func bent(bend func(f *forgery)) string {
	f := forgeNested()
	bend(f)
	return f.Token()
}

// A refused token costs memory in proportion to its length, at every length.
func TestRefusalIsCheap(t *testing.T) {
	cfg := config()
	cfg.Limits.MaxSize = 2 << 20
	selective := selectiveConfig()
	selective.Limits.MaxSize = cfg.Limits.MaxSize
	for _, size := range []int{1 << 10, 4 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20} {
		for name, token := range hostile(size) {
			checkCheap(t, cfg, name, token)
		}
		for name, token := range hostileSelective(size) {
			checkCheap(t, selective, "selective, "+name, token)
		}
	}
}

// An issuer may have as many keys as a JWK Set holds. A refused token does not cost more for that,
// whatever kid the client chooses.
func TestRefusalIsCheapForManyKeys(t *testing.T) {
	const many = 2000
	signer := testKeyFor(keys.EdDSA)
	member := func(kid string, x []byte) string {
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%s,"x":"%s"}`, quoted(kid), encode(x))
	}
	members := []string{member(signer.Kid, signer.Public().(ed25519.PublicKey))}
	for len(members) < many {
		members = append(members, member(fmt.Sprintf("key-%d", len(members)), newEd25519().Public().(ed25519.PublicKey)))
	}
	set := must(keys.ParsePublicSet([]byte(`{"keys":[` + strings.Join(members, ",") + `]}`)))
	if n := len(set.Keys()); n != many {
		t.Fatalf("%d keys", n)
	}
	for name, bend := range map[string]func(inner *forge.Object){
		"a kid that no key has":  func(inner *forge.Object) { inner.Set("kid", `"unknown"`) },
		"the kid of another key": func(inner *forge.Object) { inner.Set("kid", `"key-1999"`) },
		"no kid":                 func(inner *forge.Object) { inner.Remove("kid") },
		"another alg":            func(inner *forge.Object) { inner.Set("alg", `"ES256"`) },
	} {
		nested, visible := forgeWith(keys.EdDSA, keys.ECDHES, keys.A256GCM), forgeSelective()
		visible.Signer = signer.Key
		visible.Inner.Set("alg", `"EdDSA"`)
		visible.Inner.Set("kid", quoted(signer.Kid))
		bend(&nested.Inner)
		bend(&visible.Inner)
		cfg, selective, passing := config(), selectiveConfig(), selectiveConfig()
		gateway(&passing)
		for _, c := range []*anyOpen{&cfg, &selective, &passing} {
			c.Trust[0].Keys = set
		}
		checkCheap(t, cfg, name, nested.Token())
		cfg.Allow(open.KeyID)
		checkCheap(t, cfg, name+", where kid may be missing", nested.Token())
		checkCheap(t, selective, "selective, "+name, visible.Token())
		checkCheap(t, passing, "gateway, "+name, visible.Token())
	}
	cfg := config()
	cfg.Trust[0].Keys = set
	if _, err := newOpener(t, cfg).OpenAt(t.Context(), forgeWith(keys.EdDSA, keys.ECDHES, keys.A256GCM).Token(), clock); err != nil {
		t.Errorf("a good token of that issuer: %v", err)
	}
}

// The same holds for a token on which several keys are tried.
func TestRefusalWithoutKeyIDIsCheap(t *testing.T) {
	ours, theirs := spares(keys.ECDHES), spares(keys.ES256)
	cfg := config()
	cfg.Limits.MaxSize = 2 << 20
	cfg.Allow(open.KeyID)
	cfg.Decryption = privateSet(append(ours[:2:2], testKeyFor(keys.ECDHES))...)
	cfg.Trust[0].Keys = publicSet(theirs[:3]...)
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		for _, content := range allContents {
			f := forgeWith(keys.ES256, keys.ECDHES, content)
			f.Claims.Add("blob", quoted(strings.Repeat("x", size*9/16)))
			noKid(f)
			noInnerKid(f)
			checkCheap(t, cfg, "signed with no key of the issuer", f.Token())
			f.Recipient = ours[3].Key
			checkCheap(t, cfg, "sealed to no key of ours", f.Token())
		}
	}
}

func checkCheap(t *testing.T, cfg anyOpen, name, token string) {
	t.Helper()
	check := func() {
		// This opener has no buffers from earlier calls.
		if tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock); err == nil || tok != nil {
			t.Fatalf("%s of %d bytes: accepted", name, len(token))
		}
	}
	limit := 4*len(token) + 64<<10
	if race { // the race detector drops pooled buffers, and needs memory itself
		limit *= 2
	}
	if used := allocated(check); used > limit {
		t.Errorf("%s of %d bytes: %d bytes of memory, %d at most", name, len(token), used, limit)
	} else if testing.Verbose() {
		t.Logf("%s of %d bytes: %d bytes of memory, %.2f times", name, len(token), used, float64(used)/float64(len(token)))
	}
}

// allocated returns the bytes that f allocates: the minimum of a few runs, because other goroutines
// allocate too.
func allocated(f func()) int {
	least := -1
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if used := int(after.TotalAlloc - before.TotalAlloc); least < 0 || used < least {
			least = used
		}
	}
	return least
}

// A header that exceeds a limit is refused before any key source is called.
func TestLimitsBeforeCryptography(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"100,000 members":              `{"alg":"ECDH-ES"` + strings.Repeat(`,"a":1`, 100_000) + `}`,
		"a number of 100,000 digits":   `{"alg":"ECDH-ES","n":` + strings.Repeat("1", 100_000) + `}`,
		"a number of 4,000 digits":     `{"alg":"ECDH-ES","n":` + strings.Repeat("1", 4_000) + `}`,
		"10,000 nested arrays":         `{"alg":"ECDH-ES","n":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
		"33 nested arrays":             `{"alg":"ECDH-ES","n":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`,
		"a name of 300 characters":     `{"alg":"ECDH-ES","` + strings.Repeat("n", 300) + `":1}`,
		"an empty text":                ``,
		"nothing but an opening brace": `{`,
	} {
		cfg := config()
		cfg.Limits.MaxSize = 4 << 20
		cfg.Decryption = untouchable{t}
		f := forgeNested()
		f.Outer.Say(header)
		if header == "" {
			f.BendJWE = func(s string) string { return s[strings.IndexByte(s, '.'):] }
		}
		if _, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	cfg := config()
	cfg.Decryption = untouchable{t}
	refused(t, cfg, strings.Repeat(".", 10_000), open.ErrMalformed)
}

// untouchable is a key source that fails the test when it is called.
type untouchable struct{ t *testing.T }

func (u untouchable) PrivateKeys(context.Context) (*keys.Set, error) {
	u.t.Error("a key was asked for")
	return nil, errors.New("untouchable")
}

// The limit of a header holds in every layer, and can be set.
func TestMaxHeader(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 1 << 10, 4<<10 + 1, 16 << 10} {
		cfg := config()
		cfg.Limits.MaxHeader = limit
		most := limit
		if limit == 0 {
			most = open.DefaultMaxHeader
		}
		for _, header := range bothHeaders {
			for size, want := range map[int]error{most: nil, most + 1: open.ErrMalformed, most + 2: open.ErrMalformed, 2 * most: open.ErrMalformed} {
				f := forgeNested()
				h := header.of(f)
				h.Set("pad", `""`)
				h.Set("pad", quoted(strings.Repeat("x", size-len(h.Text()))))
				if want == nil {
					accepted(t, cfg, f.Token())
				} else {
					refused(t, cfg, f.Token(), want)
				}
			}
		}
	}
	for _, limit := range []int{-1, 16<<10 + 1} {
		cfg := config()
		cfg.Limits.MaxHeader = limit
		wantField(t, fmt.Sprint(limit), cfg, "Limits.MaxHeader")
	}
}
