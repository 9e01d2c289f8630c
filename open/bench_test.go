package open_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// testdata/peers compares with other libraries. These benchmarks are for profiles.

// benchSuites pair a cheap signature with each way to agree on a key, and have RSA.
var benchSuites = [][2]keys.Suite{{keys.ES256, keys.ECDHES}, {keys.EdDSA, keys.ECDHESA256KW}, {keys.RS256, keys.RSAOAEP256}}

// BenchmarkOpen opens tokens with 512 bytes of claims, for each suite. For the first suite it also
// has other lengths, up to the default limit of a token.
func BenchmarkOpen(b *testing.B) {
	for _, suites := range benchSuites {
		for _, size := range []int{200, 512, 4 << 10, 32 << 10} {
			if size != 512 && suites != benchSuites[0] {
				continue
			}
			b.Run(fmt.Sprintf("nested/%s+%s/%d", suites[0].Alg(), suites[1].Alg(), size), func(b *testing.B) {
				f := forgeWith(suites[0], suites[1], keys.A256GCM)
				for _, name := range []string{"note", "weight"} {
					f.Claims.Remove(name)
				}
				fillClaims(f, size)
				if n := len(f.Claims.Text()); n != size {
					b.Fatalf("%d bytes of claims", n)
				}
				o := newOpener(b, config())
				o.SetNow(func() time.Time { return clock })
				benchOpen(b, o, f.Token())
			})
		}
	}
	for _, recipients := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("selective/%d", recipients), func(b *testing.B) { benchOpenSelective(b, recipients) })
	}
}

// BenchmarkOpenCached opens a token that was opened before. The keys are in a set, and in a ring,
// which reads the clock and not its store. Beside it stands the SHA-256 that every look-up needs.
func BenchmarkOpenCached(b *testing.B) {
	kek, err := keyring.NewKEK(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	ring, err := keyring.Create(b.Context(), keyring.Config{Store: keyring.NewMemStore(), KEK: kek})
	if err != nil {
		b.Fatal(err)
	}
	set := privateSet(testKeyFor(keys.ES256), testKeyFor(keys.ECDHES))
	for _, source := range []struct {
		name string
		keys interface {
			keys.PublicSource
			keys.PrivateSource
		}
	}{{"set", set}, {"ring", ring}} {
		sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{Issuer: issuerID, Signing: source.keys, Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: source.keys}}}}))
		token := must(sealer.Seal(b.Context(), seal.Claims{Custom: map[string]string{"email": "ada@example.com", "note": strings.Repeat("n", 330)}}))
		opener := newOpener(b, anyOpen{SelectiveConfig: open.SelectiveConfig{
			Audience:   audience,
			Trust:      []open.Issuer{{ID: issuerID, Keys: source.keys}},
			Decryption: source.keys,
			Limits:     open.Limits{Cache: 1},
		}})
		b.Run(source.name, func(b *testing.B) { benchOpen(b, opener, token) })
		if source.name == "set" {
			b.Run("sha256", func(b *testing.B) {
				text := []byte(token)
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					sha256.Sum256(text)
				}
			})
		}
	}
	b.Run("now", func(b *testing.B) {
		for b.Loop() {
			time.Now()
		}
	})
}

// BenchmarkCacheMemory measures the heap of a cache entry with its claims, which are 512 bytes of
// JSON.
func BenchmarkCacheMemory(b *testing.B) {
	const entries = 4096
	all := make([]string, entries)
	for i := range all {
		f := forgeWith(keys.EdDSA, keys.ECDHES, keys.A256GCM)
		f.Claims.Set("jti", quoted(fmt.Sprintf("%022d", i)))
		fillClaims(f, 512)
		all[i] = f.Token()
	}
	for b.Loop() {
		cfg := config()
		cfg.Limits.Cache = 2 * entries
		o := newCaching(b, cfg)
		before := heap()
		for _, token := range all {
			if _, err := o.Open(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/entries, "B/entry")
		if n := cached(b, o); n != entries {
			b.Fatalf("%d entries", n)
		}
	}
}

// heap returns the bytes in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // a second time for the pools
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fillClaims adds groups and a note, about half of each.
func fillClaims(f *forgery, size int) {
	if size > 256 {
		f.Claims.Set("groups", "["+strings.Repeat(`"department-reader",`, size/40)+`"all"]`)
	}
	f.Claims.Set("pad", `""`)
	f.Claims.Set("pad", quoted(strings.Repeat("x", max(0, size-len(f.Claims.Text())))))
}

// benchOpenSelective opens as one of several recipients. Each may read all claims.
func benchOpenSelective(b *testing.B, recipients int) {
	cfg := anySeal{SelectiveConfig: seal.SelectiveConfig{Issuer: issuerID, Signing: privateSet(testKeyFor(keys.ES256))}, Selective: true}
	var own *testKey
	for i := range recipients {
		own = newTestKey(keys.ECDHES, fmt.Sprintf("kid-of-%d", i), newP256())
		cfg.Recipients = append(cfg.Recipients, seal.SelectiveRecipient{Audience: audience, Keys: publicSet(own), ReadsAll: true})
	}
	token, err := must(newAny(cfg)).Seal(b.Context(), seal.Claims{Custom: map[string]string{"email": "ada@example.com", "note": strings.Repeat("n", 300)}})
	if err != nil {
		b.Fatal(err)
	}
	opening := selectiveConfig()
	opening.Decryption, opening.Require = privateSet(own), nil
	benchOpen(b, newOpener(b, opening), token)
}

func benchOpen(b *testing.B, o *open.Opener, token string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Open(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClaims decodes the claims of BenchmarkOpen into a struct. It also has claims with names
// that would fill fields of other names, which need a copy of the text. Beside them it measures
// encoding/json alone.
func BenchmarkClaims(b *testing.B) {
	type profile struct {
		Issuer   string   `json:"iss"`
		Subject  string   `json:"sub"`
		Audience string   `json:"aud"`
		Expires  int64    `json:"exp"`
		Email    string   `json:"email"`
		Groups   []string `json:"groups"`
		Pad      string   `json:"pad"`
		Admin    bool     `json:"admin"`
		Address  struct {
			Street  string `json:"street"`
			Country string `json:"country"`
		} `json:"address"`
	}
	for _, size := range []int{512, 4 << 10} {
		for _, how := range []string{"plain", "respelled", "encoding-json"} {
			b.Run(fmt.Sprintf("%s/%d", how, size), func(b *testing.B) {
				f := forgeNested()
				f.Claims.Set("address", `{"street":"12 Quill Street","country":"FI"}`)
				if how == "respelled" {
					f.Claims.Set("ADMIN", "true")
					f.Claims.Set("address", `{"STREET":"12 Quill Street","COUNTRY":"FI"}`)
				}
				fillClaims(f, size)
				tok := must(newOpener(b, config()).OpenAt(b.Context(), f.Token(), clock))
				text := []byte(f.Claims.Text())
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					var p profile
					err := error(nil)
					if how == "encoding-json" {
						err = json.Unmarshal(text, &p)
					} else {
						err = tok.Claims(&p)
					}
					if err != nil || p.Admin {
						b.Fatal(p, err)
					}
				}
			})
		}
	}
}
