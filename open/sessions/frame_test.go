package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
)

var frameTime = time.Date(2026, 11, 30, 12, 0, 30, 250e6, time.UTC)

// goodFrame returns a frame with entries of two minutes.
func goodFrame() frame {
	m := minuteOf(frameTime.Add(18 * time.Minute))
	f := frame{
		issuer: testIssuer, date: frameTime, lifetime: testLifetime, leeway: time.Minute, to: Cursor{3, Entry{3}},
		ids: []timedEntry{{Entry{2}, m + 1}, {Entry{1}, m}, {Entry{3}, m + 1}},
	}
	for _, e := range f.ids {
		f.total.add(e)
	}
	return f
}

func signFrame(t testing.TB, f frame, set *keys.Set) []byte {
	t.Helper()
	return need(f.sign(t.Context(), need(set.SigningKey())))
}

// signText signs any header and payload.
func signText(t testing.TB, set *keys.Set, header, payload string) []byte {
	t.Helper()
	k := need(set.SigningKey())
	header = strings.NewReplacer("ALG", k.Suite().Alg(), "KID", k.ID()).Replace(header)
	input := strict.EncodeBase64URL([]byte(header)) + "." + strict.EncodeBase64URL([]byte(payload))
	return []byte(input + "." + strict.EncodeBase64URL(need(k.Sign(t.Context(), []byte(input)))))
}

const frameHeader = `{"alg":"ALG","kid":"KID","typ":"revoked+jwt"}`

func TestFrame(t *testing.T) {
	t.Parallel()
	for _, suite := range []keys.Suite{keys.ES256, keys.EdDSA, keys.PS256, keys.RS256} {
		set := keytest.NewSet(keytest.NewKey(suite))
		want := goodFrame()
		text := signFrame(t, want, set)
		got, err := parseFrame(t.Context(), text, testIssuer, set, frameTime)
		if err != nil {
			t.Fatal(err)
		}
		if got.issuer != want.issuer || !got.date.Equal(want.date) || got.from != want.from || got.to != want.to ||
			got.total != want.total || got.lifetime != want.lifetime || got.leeway != want.leeway || got.more || len(got.ids) != 3 || got.ids[0].Entry != (Entry{1}) {
			t.Errorf("%v: %+v, want %+v", suite, got, want)
		}
		t.Logf("%v: %d bytes", suite, len(text))
	}
	one := goodFrame()
	one.ids = one.ids[:1]
	if n := len(signFrame(t, one, keytest.NewSet(keytest.NewKey(keys.ES256)))); n > 500 {
		t.Errorf("a frame with one entry has %d bytes", n)
	}
}

// TestFrameWire fixes the format: hubs and verifiers of all versions read the same.
func TestFrameWire(t *testing.T) {
	t.Parallel()
	f := goodFrame()
	const want = `{"iss":"https://id.example.com","iat":1796040030,"ms":250,"from":"","to":"3.AwAAAAAAAAAAAAAAAAAAAA","n":3,` +
		`"x":"gj36d3rrbujGfvv03R8c-U50uQKoJJC9ZcFpuK-JprY","T":900,"L":60,"ids":{"29934019":"AQAAAAAAAAAAAAAAAAAAAA","29934020":"AgAAAAAAAAAAAAAAAAAAAAMAAAAAAAAAAAAAAAAAAAA"}}`
	if got := string(f.appendPayload(nil)); got != want {
		t.Errorf("the payload is\n%s, want\n%s", got, want)
	}
}

// Every frame that differs in one point is refused.
func TestBadFrame(t *testing.T) {
	t.Parallel()
	ring := newSigning()
	set, other := ring.get(), keytest.NewSet(keytest.NewKey(keys.ES256))
	f := goodFrame()
	payload := string(f.appendPayload(nil))
	swap := func(old, with string) string {
		if !strings.Contains(payload, old) {
			panic(old)
		}
		return strings.Replace(payload, old, with, 1)
	}
	minute := fmt.Sprint(f.ids[0].minute)
	many := `"ids":{"` + minute + `":"` + strict.EncodeBase64URL(make([]byte, 16*(maxFrameEntries+1))) + `"},"was":{`
	p := newParty(t)
	nested := need(p.sealer.Seal(t.Context(), claims()))
	payloads := map[string]string{
		"no iss":                         swap(`"iss":"https://id.example.com",`, ``),
		"another iss":                    swap(testIssuer, "https://evil.example"),
		"iss in other letters":           swap(`"iss"`, `"Iss"`),
		"iss null":                       swap(`"https://id.example.com"`, `null`),
		"iat of a text":                  swap(`"iat":1796040030`, `"iat":"1796040030"`),
		"iat with a fraction":            swap(`"iat":1796040030`, `"iat":1796040030.5`),
		"iat negative":                   swap(`"iat":1796040030`, `"iat":-1`),
		"no iat":                         swap(`"iat":1796040030,`, ``),
		"ms of a thousand":               swap(`"ms":250`, `"ms":1000`),
		"from in the future":             swap(`"iat":1796040030`, `"iat":1796040092`),
		"no from":                        swap(`"from":"",`, ``),
		"from of zeros":                  swap(`"from":""`, `"from":"0.AAAAAAAAAAAAAAAAAAAAAA"`),
		"to with a leading zero":         swap(`"3.Aw`, `"03.Aw`),
		"to with a sign":                 swap(`"3.Aw`, `"+3.Aw`),
		"to without entry":               swap(`"3.AwAAAAAAAAAAAAAAAAAAAA"`, `"3"`),
		"to with spare bits":             swap(`"3.AwAAAAAAAAAAAAAAAAAAAA"`, `"3.AwAAAAAAAAAAAAAAAAAAAB"`),
		"n negative":                     swap(`"n":3`, `"n":-3`),
		"n of more than a list holds":    swap(`"n":3`, `"n":1000001`),
		"n with an exponent":             swap(`"n":3`, `"n":3e0`),
		"x cut":                          swap(f.total.text(), f.total.text()[:42]),
		"no x":                           swap(`"x":"`+f.total.text()+`",`, ``),
		"T zero":                         swap(`"T":900`, `"T":0`),
		"T beyond a day":                 swap(`"T":900`, `"T":86401`),
		"no T":                           swap(`"T":900,`, ``),
		"L negative":                     swap(`"L":60`, `"L":-1`),
		"L of 11 minutes":                swap(`"L":60`, `"L":660`),
		"no L":                           swap(`"L":60,`, ``),
		"more false":                     swap(`"ids"`, `"more":false,"ids"`),
		"no ids":                         swap(`"ids"`, `"was"`),
		"ids of a list":                  swap(payload[strings.Index(payload, `"ids":`):], `"ids":[]}`),
		"ids null":                       swap(payload[strings.Index(payload, `"ids":`):], `"ids":null}`),
		"a minute in the year 9999":      swap(`"`+minute, `"`+"99999999"),
		"a minute beyond what is kept":   swap(`"`+minute, `"`+fmt.Sprint(latestMinute(frameTime)+1)),
		"a minute with a leading zero":   swap(`"`+minute, `"0`+minute),
		"a minute that is none":          swap(`"`+minute, `"x`),
		"an entry of 15 bytes":           swap(`"AQAAAAAAAAAAAAAAAAAAAA"`, `"AQAAAAAAAAAAAAAAAAAA"`),
		"no entry":                       swap(`"AQAAAAAAAAAAAAAAAAAAAA"`, `""`),
		"an entry that is null":          swap(`"AQAAAAAAAAAAAAAAAAAAAA"`, `null`),
		"an entry with an escape":        swap(`"AQAAAAAAAAAAAAAAAAAAAA"`, `"\u0041QAAAAAAAAAAAAAAAAAAAA"`),
		"more entries than a frame has":  swap(`"ids":{`, many),
		"a member twice":                 swap(`"n":3`, `"n":3,"n":3`),
		"a member twice in other letter": swap(`"n":3`, `"n":3,"N":3`),
		"a member in other letters":      swap(`"T":900`, `"t":900`),
		"no JSON":                        "hello",
		"a list":                         "[]",
		"empty":                          "",
	}
	texts := map[string][]byte{
		"an empty text":              nil,
		"two parts":                  []byte("a.b"),
		"four parts":                 append(signFrame(t, f, set), ".x"...),
		"a nested token":             []byte(nested),
		"signed by another":          signFrame(t, f, other),
		"of a kid with another key":  signText(t, other, strings.Replace(frameHeader, "KID", need(set.SigningKey()).ID(), 1), payload),
		"too long":                   bytes.Repeat([]byte("a"), maxFrame+1),
		"a header too long":          signText(t, set, strings.Replace(frameHeader, "{", `{"x":"`+strings.Repeat("a", 5000)+`",`, 1), payload),
		"a line feed in the payload": bytes.Replace(signFrame(t, f, set), []byte("."), []byte(".\n"), 1),
	}
	for name, text := range payloads {
		texts["payload: "+name] = signText(t, set, frameHeader, text)
	}
	for name, header := range map[string]string{
		"no typ": `{"alg":"ALG","kid":"KID"}`, "typ of a token": `{"alg":"ALG","kid":"KID","typ":"sealed+jwt"}`, "typ JWT": `{"alg":"ALG","kid":"KID","typ":"JWT"}`,
		"typ null": `{"alg":"ALG","kid":"KID","typ":null}`, "no kid": `{"alg":"ALG","typ":"revoked+jwt"}`, "no alg": `{"kid":"KID","typ":"revoked+jwt"}`,
		"alg none": `{"alg":"none","kid":"KID","typ":"revoked+jwt"}`, "alg of another suite": `{"alg":"EdDSA","kid":"KID","typ":"revoked+jwt"}`,
		"crit": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","crit":["x"]}`, "b64": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","b64":false}`,
		"jwk": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","jwk":{}}`, "Crit": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","Crit":["x"]}`,
		"zip": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","zip":"DEF"}`, "alg twice": `{"alg":"ALG","alg":"ALG","kid":"KID","typ":"revoked+jwt"}`,
		"TYP": `{"alg":"ALG","kid":"KID","TYP":"revoked+jwt"}`, "jku": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","jku":"https://evil.example"}`,
		"x5u": `{"alg":"ALG","kid":"KID","typ":"revoked+jwt","x5u":"https://evil.example"}`, "an unknown kid": `{"alg":"ALG","kid":"other","typ":"revoked+jwt"}`,
	} {
		texts["header: "+name] = signText(t, set, header, payload)
	}
	if _, err := parseFrame(t.Context(), signText(t, set, frameHeader, payload), testIssuer, set, frameTime); err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		if got, err := parseFrame(t.Context(), text, testIssuer, set, frameTime); got != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// asked is a key source that notes for which kids it was asked.
type asked struct {
	keys.PublicSource
	kids []string
}

func (a *asked) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	a.kids = append(a.kids, kid)
	return a.PublicSource.PublicKeys(ctx, kid)
}

// An attacker can write any kid in a frame that is not verified yet. No key source gets a kid that
// no key can have.
func TestFrameKeyID(t *testing.T) {
	t.Parallel()
	set := newSigning().get()
	f := goodFrame()
	for _, c := range []struct {
		name, kid string
		asks      bool
	}{
		{"a letter", "a", true},
		{"printable", "../a b?~", true},
		{"256 characters", strings.Repeat("k", 256), true},
		{"257 characters", strings.Repeat("k", 257), false},
		{"4000 characters", strings.Repeat("k", 4000), false},
		{"a line feed", `a\nb`, false},
		{"an escape", `\u001b[2J`, false},
		{"a delete", "a\x7f", false},
		{"beyond ASCII", "é", false},
		{"empty", "", false},
	} {
		source := &asked{PublicSource: set}
		header := `{"alg":"ALG","kid":"` + c.kid + `","typ":"revoked+jwt"}`
		_, err := parseFrame(t.Context(), signText(t, set, header, string(f.appendPayload(nil))), testIssuer, source, frameTime)
		if !errors.Is(err, ErrFrame) || (len(source.kids) != 0) != c.asks {
			t.Errorf("%s: %v, and the source was asked for %q", c.name, err, source.kids)
		}
	}
}

// A frame with one flipped bit is refused, whichever bit it is.
func TestFrameBits(t *testing.T) {
	t.Parallel()
	set := newSigning().get()
	text := signFrame(t, goodFrame(), set)
	for i := range text {
		for bit := range 8 {
			flipped := bytes.Clone(text)
			flipped[i] ^= 1 << bit
			if f, err := parseFrame(t.Context(), flipped, testIssuer, set, frameTime); f != nil || !errors.Is(err, ErrFrame) {
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			}
		}
	}
}

// No opener accepts a frame as a token, whatever typ the frame has.
func TestFrameAsToken(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	f := goodFrame()
	f.date = time.Now()
	text := string(signFrame(t, f, p.ring.get()))
	gateway := need(open.NewGateway(open.GatewayConfig{Audiences: []string{"api"}, Trust: []open.Issuer{{ID: testIssuer, Keys: p.ring}}}))
	selective := need(open.NewSelective(open.SelectiveConfig{Audience: "api", Trust: []open.Issuer{{ID: testIssuer, Keys: p.ring}}, Decryption: p.keys}))
	typed := need(open.NewGateway(open.GatewayConfig{Audiences: []string{"api"}, Trust: []open.Issuer{{ID: testIssuer, Keys: p.ring, Type: frameType}}}))
	for name, o := range map[string]*open.Opener{"nested": p.opener(nil), "gateway": gateway, "selective": selective, "of that typ": typed} {
		if tok, err := o.Open(context.Background(), text); tok != nil || err == nil {
			t.Errorf("%s: accepts a frame", name)
		}
	}
}

func FuzzParsePayload(f *testing.F) {
	good := goodFrame()
	f.Add(good.appendPayload(nil))
	f.Add([]byte(`{"iss":"a","iat":0,"ms":0,"from":"","to":"","n":0,"x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","T":1,"L":0,"ids":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		fr, err := parsePayload(text)
		if err != nil {
			if !errors.Is(err, ErrFrame) {
				t.Errorf("%v is not an ErrFrame", err)
			}
			return
		}
		// A frame that is written again reads the same.
		again, err := parsePayload(fr.appendPayload(nil))
		if err != nil {
			t.Fatal(err)
		}
		if string(again.appendPayload(nil)) != string(fr.appendPayload(nil)) {
			t.Errorf("%s reads as\n%s", text, again.appendPayload(nil))
		}
	})
}
