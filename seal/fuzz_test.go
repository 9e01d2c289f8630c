package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal"
)

// FuzzSeal seals any bytes as custom claims, in both forms. A token opens to the same members, and
// an error reveals no claim.
func FuzzSeal(f *testing.F) {
	for _, file := range claimsFiles(f) {
		_, custom := claimsFile(f, file)
		f.Add([]byte(must(json.Marshal(custom))))
		f.Add(must(os.ReadFile(file))) // they name iss
	}
	for _, s := range []string{
		"", "{}", " { } ", "null", "[]", `"x"`, `{"a":1.0,"b":1e5,"c":12345678901234567890}`, `{"a":1,"a":2}`, `{"a":1,"A":2}`,
		`{"EXP":1}`, `{"` + "\u017f" + `ub":1}`, `{"sealed":[]}`, `{"a":{"exp":1}}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":"\ud83d\ude00"}`,
		`{"a":"<b>&"}`, "{\"a\":\"\u2028\"}", `{"a":[[[[]]]],"b":{}}`, `{"":null}`, `{"a":1}{}`, `{"\u0061":1}`,
		`{"cnf":{"jkt":"x"}}`, `{"a":1,"b":{"cnf":2}}`, `{"a":"ada@example.com","A ":1}`, `{"a\"\\\u2028":"<&>","b":[ 1 , {} ]}`,
	} {
		f.Add([]byte(s))
	}
	p, sealers := defaults(), []*seal.Sealer(nil)
	for _, form := range []bool{nested, selective} {
		cfg := p.config()
		if cfg.Selective = form; form == selective {
			cfg.Visible, cfg.AllowReadable, cfg.Limits.Pad = []string{"a"}, []string{"a"}, 32
		}
		sealers = append(sealers, newSealer(f, cfg))
	}
	f.Fuzz(func(t *testing.T, custom []byte) {
		for form, sealer := range sealers {
			fuzzSeal(t, p, form == 1, sealer, custom)
		}
	})
}

// checkMemory checks that f, which reads size bytes, allocates in proportion to size. The
// measurement is slow, so only a few short texts are measured. Their length selects them, so that a
// failure can be repeated.
func checkMemory(t *testing.T, size int, f func()) {
	t.Helper()
	if size < 4<<10 && size%16 != 0 {
		return
	}
	limit := uint64(16*size + 64<<10)
	for try := 0; ; try++ { // other goroutines allocate too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used <= limit {
			return
		} else if try == 5 {
			t.Fatalf("%d bytes take %d bytes of memory, and %d are allowed", size, used, limit)
		}
	}
}

func fuzzSeal(t *testing.T, p parties, form bool, sealer *seal.Sealer, custom []byte) {
	t.Helper()
	given := bytes.Clone(custom)
	token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: json.RawMessage(custom)})
	checkMemory(t, len(custom), func() { sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: json.RawMessage(custom)}) })
	if !bytes.Equal(given, custom) {
		t.Fatal("the caller's bytes were changed")
	}
	if (err == nil) != (token != "") {
		t.Fatalf("Seal returned %q and %v", token, err)
	}
	if err != nil {
		// The error holds a fixed phrase, an offset and perhaps a reserved name.
		if !errors.Is(err, seal.ErrClaims) && !errors.Is(err, seal.ErrTooLarge) || len(err.Error()) > 200 {
			t.Fatal(err)
		}
		return
	}
	want, err := strict.ParseObject(custom)
	if err != nil {
		t.Fatalf("sealed what is not strict: %v", err)
	}
	tok := p.open(t, token, func(c *anyOpen) { c.Selective = form })
	checkPeer(t, p, form, token, claimsText(t, tok))
	got, err := strict.ParseObject([]byte(claimsText(t, tok)))
	if err != nil {
		t.Fatal(err)
	}
	if registered := 6; got.Len() != want.Len()+registered { // iss, sub, aud, iat, exp, jti
		t.Fatalf("%d members, given %d", got.Len(), want.Len())
	}
	for name, value := range want.All() {
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			t.Fatal(err)
		}
		if raw, ok := got.Raw(name); !ok || string(raw) != compact.String() {
			t.Fatalf("%q is %s, given %s", name, raw, value)
		}
		// In the selective form all claims but a are sealed, and in the nested form all.
		if shown := form == selective && name == "a"; slices.Contains(tok.SealedNames(), name) == shown {
			t.Fatalf("%q is in the wrong part of the token", name)
		}
	}
	if parts := strings.Split(token, "."); len(parts) != map[bool]int{nested: 5, selective: 3}[form] {
		t.Fatalf("%d parts", len(parts))
	}
}

// checkPeer checks that go-jose accepts the token too: it reads the same claims of a nested token,
// and verifies the signed token around the JWEs of a selective one.
func checkPeer(t *testing.T, p parties, form bool, token, claims string) {
	t.Helper()
	if form == nested {
		if l, err := p.read(token); err != nil || l.payload != claims {
			t.Fatalf("go-jose reads %q, %v", l.payload, err)
		}
		return
	}
	if _, err := verifyJOSE(token); err != nil {
		t.Fatalf("go-jose: %v", err)
	}
}
