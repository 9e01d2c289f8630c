package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// rest stands for the members that package seal writes after the members of a Sender.
const rest = `,"cty":"JWT"}`

// read reads a header as JSON.
func read(text []byte) (Header, error) {
	o, err := strict.ParseObject(text)
	if err != nil {
		return Header{}, err
	}
	return ReadHeader(o)
}

// same reports whether two headers agree about the encryption. A header that was cut must belong to
// one without party info and without a private key in epk.
func same(a, b Header) bool {
	a.members, b.members = strict.Object{}, strict.Object{}
	return a.Alg == b.Alg && bytes.Equal(a.KeyID, b.KeyID) && (a.KeyID == nil) == (b.KeyID == nil) &&
		a.enc == b.enc && a.hasEnc == b.hasEnc && a.epk.kty == b.epk.kty && a.epk.crv == b.epk.crv &&
		bytes.Equal(a.epk.x, b.epk.x) && bytes.Equal(a.epk.y, b.epk.y) && a.epk.private == b.epk.private
}

// CutHeader returns the same as JSON for every header that we write.
func TestCutHeaderAgrees(t *testing.T) {
	printable := make([]byte, 0, '~'-' '+1)
	for c := byte(' '); c <= '~'; c++ {
		printable = append(printable, c)
	}
	for _, suite := range []Suite{ECDHES, ECDHESA256KW, ECDHESX25519, ECDHESA256KWX25519} {
		for _, kid := range []string{"k", "2026-01", string(printable), `","enc":"A128GCM`, `\u0041`, strings.Repeat("k", 256)} {
			for _, c := range allContents {
				s := must(withID(t, generated(t, suite), kid).NewSender(c))(t)
				text := append(s.AppendHeader([]byte("{")), rest...)
				want := must(read(text))(t)
				got, after, ok := CutHeader(text)
				if escaped := strings.ContainsAny(kid, `\"`); ok == escaped {
					t.Errorf("%v, kid %q: cut %v", suite, kid, ok)
				} else if ok && (string(after) != rest || !same(got, want)) {
					t.Errorf("%v, kid %q: cut as %+v with the rest %q", suite, kid, got, after)
				}
				if string(want.KeyID) != kid || want.Alg != suite.Alg() || want.enc != c.String() {
					t.Errorf("%v, kid %q: read as %+v", suite, kid, want)
				}
			}
		}
	}
	// CutHeader does not take a header of RSA, which has no epk.
	for _, suite := range oaepSuites {
		s := must(generated(t, suite).NewSender(A256GCM))(t)
		if _, _, ok := CutHeader(append(s.AppendHeader([]byte("{")), rest...)); ok {
			t.Errorf("%v: a header without epk is cut", suite)
		}
	}
}

// One byte of a header changes. Either CutHeader refuses it, or JSON reads the same.
func TestCutHeaderOfChangedBytes(t *testing.T) {
	for _, suite := range []Suite{ECDHES, ECDHESA256KWX25519} {
		s := must(withID(t, generated(t, suite), "2026").NewSender(A256GCM))(t)
		text := append(s.AppendHeader([]byte("{")), rest...)
		check := func(changed []byte) {
			t.Helper()
			got, after, ok := CutHeader(changed)
			if !ok || string(after) != rest {
				return
			}
			if want, err := read(changed); err != nil || !same(got, want) {
				t.Errorf("%s\nis cut, and JSON reads %+v, %v", changed, want, err)
			}
		}
		for i := range text {
			for b := range 256 {
				changed := bytes.Clone(text)
				changed[i] = byte(b)
				check(changed)
			}
			for _, b := range []byte("\"\\,:{}[] \x00\n\x7f\xffAu0") {
				check(join(text[:i], []byte{b}, text[i:]))
			}
			check(join(text[:i], text[i+1:]))
			if _, _, ok := CutHeader(text[:i]); ok && i < len(text)-len(rest) {
				t.Errorf("a header of %d bytes is cut", i)
			}
		}
	}
}

// A header that CutHeader read opens the message like one that JSON read.
func TestCutHeaderOpens(t *testing.T) {
	for _, suite := range []Suite{ECDHES, ECDHESA256KW, ECDHESX25519, ECDHESA256KWX25519} {
		k := generated(t, suite)
		m := sealed(t, k.Key, A128CBCHS256, "plaintext")
		h, after, ok := CutHeader(m.header)
		if !ok || string(after) != "}" {
			t.Fatalf("%v: %s is not cut", suite, m.header)
		}
		r := must(k.NewRecipient(t.Context(), h, m.parts))(t)
		if got, err := r.Open(m.aad()); err != nil || string(got) != "plaintext" {
			t.Errorf("%v: %q, %v", suite, got, err)
		}
	}
}

// A header without kid differs from a header with an empty kid.
func TestHeaderKeyID(t *testing.T) {
	for text, want := range map[string][]byte{
		`{"alg":"ECDH-ES"}`:                        nil,
		`{"alg":"ECDH-ES","kid":""}`:               {},
		`{"alg":"ECDH-ES","kid":"k"}`:              []byte("k"),
		`{"alg":"ECDH-ES","kid":"\u006b\"\u00e9"}`: []byte(`k"é`),
	} {
		h, err := read([]byte(text))
		if err != nil || !reflect.DeepEqual(h.KeyID, want) {
			t.Errorf("%s: %q, %v", text, h.KeyID, err)
		}
	}
	for _, text := range []string{`{}`, `{"alg":null}`, `{"alg":1}`, `{"alg":"ECDH-ES","kid":null}`, `{"alg":"ECDH-ES","kid":["k"]}`} {
		_, err := read([]byte(text))
		wantError(t, err, ErrMalformed)
	}
}

// An invalid curve point would reveal the private key bit by bit (CVE-2016-9121).
func TestEphemeralKeyFaults(t *testing.T) {
	for _, suite := range []Suite{ECDHES, ECDHESA256KW, ECDHESX25519, ECDHESA256KWX25519} {
		k := generated(t, suite)
		good := sealed(t, k.Key, A256GCM, "plaintext")
		own := asMap(t, good.header)["epk"].(map[string]any)
		x := own["x"].(string)
		type epk = map[string]any
		change := func(members epk) epk { return with(own, members) }
		for name, c := range map[string]struct {
			epk  any
			want error
		}{
			"missing":         {nil, ErrMalformed},
			"null":            {rawNull, ErrMalformed},
			"a text":          {"epk", ErrMalformed},
			"a number":        {1, ErrMalformed},
			"an array":        {[]any{own}, ErrMalformed},
			"empty":           {epk{}, ErrMalformed},
			"no kty":          {change(epk{"kty": nil}), ErrMalformed},
			"kty a number":    {change(epk{"kty": 1}), ErrMalformed},
			"kty RSA":         {change(epk{"kty": "RSA"}), ErrMalformed},
			"kty in small":    {change(epk{"kty": strings.ToLower(own["kty"].(string))}), ErrMalformed},
			"kty exchanged":   {change(epk{"kty": map[any]string{"EC": "OKP", "OKP": "EC"}[own["kty"]]}), ErrMalformed},
			"no crv":          {change(epk{"crv": nil}), ErrMalformed},
			"crv P-384":       {change(epk{"crv": "P-384"}), ErrMalformed},
			"crv exchanged":   {change(epk{"crv": map[any]string{"P-256": "X25519", "X25519": "P-256"}[own["crv"]]}), ErrMalformed},
			"crv in small":    {change(epk{"crv": strings.ToLower(own["crv"].(string))}), ErrMalformed},
			"private":         {change(epk{"d": x}), ErrMalformed},
			"d is null":       {change(epk{"d": rawNull}), ErrMalformed},
			"no x":            {change(epk{"x": nil}), ErrMalformed},
			"x a number":      {change(epk{"x": 1}), ErrMalformed},
			"empty x":         {change(epk{"x": ""}), ErrMalformed},
			"x padded":        {change(epk{"x": x + "="}), ErrMalformed},
			"x with a space":  {change(epk{"x": " " + x}), ErrMalformed},
			"x short":         {change(epk{"x": b64(make([]byte, 31))}), ErrMalformed},
			"x long":          {change(epk{"x": b64(make([]byte, 33))}), ErrMalformed},
			"x twice":         {change(epk{"x": b64(bytes.Repeat([]byte{1}, 64))}), ErrMalformed},
			"x of 3000 bytes": {change(epk{"x": b64(make([]byte, 3000))}), ErrMalformed},
			"x not canonical": {change(epk{"x": x[:42] + nextCharacter(x[42])}), ErrMalformed},
		} {
			if got, err := good.with(t, map[string]any{"epk": c.epk}).open(t, k.Key); got != nil || !errors.Is(err, c.want) {
				t.Errorf("%v, %s: %q, %v, want %v", suite, name, got, err, c.want)
			}
		}
		if suite.kind() == jwk.P256 {
			checkPoints(t, k.Key, good, own)
		}
		for _, other := range []Suite{ECDHES, ECDHESX25519} {
			if other.kind() != suite.kind() {
				epk := asMap(t, sealed(t, generated(t, other).Key, A256GCM, "").header)["epk"]
				_, err := good.with(t, map[string]any{"epk": epk}).open(t, k.Key)
				wantError(t, err, ErrMalformed)
			}
		}
	}
}

// checkPoints tries points that are not on P-256.
func checkPoints(t *testing.T, k *Key, good message, own map[string]any) {
	t.Helper()
	y := own["y"].(string)
	otherY := asMap(t, sealed(t, k, A256GCM, "").header)["epk"].(map[string]any)["y"]
	p := elliptic.P256().Params().P
	plusP := func(text string) string {
		n := new(big.Int).SetBytes(must(strict.DecodeBase64URL(text))(t))
		return b64(n.Add(n, p).FillBytes(make([]byte, 33)))
	}
	xy := join(must(strict.DecodeBase64URL(own["x"].(string)))(t), must(strict.DecodeBase64URL(y))(t))
	zero, all := b64(make([]byte, 32)), b64(bytes.Repeat([]byte{0xff}, 32))
	for name, epk := range map[string]map[string]any{
		"no y":            {"y": nil},
		"y a number":      {"y": 1},
		"empty y":         {"y": ""},
		"y short":         {"y": b64(make([]byte, 31))},
		"y long":          {"y": b64(make([]byte, 33))},
		"x short, y long": {"x": own["x"].(string)[:42], "y": b64(make([]byte, 33))},
		"y leads with x":  {"x": b64(xy[:31]), "y": b64(xy[31:])},
		"x ends with y":   {"x": b64(xy[:33]), "y": b64(xy[33:])},
		"off the curve":   {"y": otherY},
		"exchanged":       {"x": own["y"], "y": own["x"]},
		"infinity":        {"x": zero, "y": zero},
		"x of zero":       {"x": zero},
		"all ones":        {"x": all, "y": all},
		"y and the prime": {"y": plusP(y)},
	} {
		_, err := good.with(t, map[string]any{"epk": with(own, epk)}).open(t, k)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%v, %s: %v", k.suite, name, err)
		}
	}
	// The other point with this x has the same secret. The tag covers the header, so the sign is
	// authenticated.
	minus := must(strict.DecodeBase64URL(y))(t)
	negative := new(big.Int).Sub(p, new(big.Int).SetBytes(minus)).FillBytes(make([]byte, 32))
	_, err := good.with(t, map[string]any{"epk": with(own, map[string]any{"y": b64(negative)})}).open(t, k)
	wantError(t, err, errDecrypt)
	// The epk has a point of P-384 and claims P-256.
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t)
	point := must(p384.PublicKey.ECDH())(t).Bytes()
	_, err = good.with(t, map[string]any{"epk": with(own, map[string]any{"x": b64(point[1:49]), "y": b64(point[49:])})}).open(t, k)
	wantError(t, err, ErrMalformed)
}

// rawNull is null, where nil would remove the member.
var rawNull = json.RawMessage("null")

func nextCharacter(c byte) string { return string(rune(c + 1)) }
