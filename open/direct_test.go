package open

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	directTail = `,"iss":"https://id.example.com","jti":"id-42"`
	directX    = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
)

var directHeaders = []string{
	`{"alg":"ES256","kid":"k","typ":"sealed+jwt"}`,
	`{"alg":"EdDSA","kid":"","typ":"at+jwt"}`,
	`{"alg":"ECDH-ES","enc":"A256GCM","kid":"k~ !","epk":{"kty":"EC","crv":"P-256","x":"` + directX + `","y":""},"cty":"JWT"}`,
	`{"alg":"ECDH-ES+A256KW","enc":"?","kid":"k","epk":{"kty":"OKP","crv":"X25519","x":"` + directX + `"},"cty":"JWT"}`,
	`{"alg":"ECDH-ES","enc":"A256GCM","kid":"k","epk":{"kty":"EC","crv":"P-256","x":"x","y":"y"},"cty":"sealed-claims+json"` + directTail + `}`,
}

// notDirect has texts. A header with one of them is read as JSON, or refused.
var notDirect = []string{`a\u0062`, `a\"`, `a\\`, "a\x00", "a\x1f", "a\x7f", "aß", "a\xff", "a\n", `a","zip":"DEF`, `a","alg":"none`, `a "`, `a",`, `a"}`, `"`}

// A header that the fast path accepts is JSON, and JSON gives the same result.
func FuzzDirect(f *testing.F) {
	for _, h := range directHeaders {
		f.Add([]byte(h))
		f.Add([]byte(h + " "))
		f.Add([]byte(h[:len(h)-1]))
		for _, text := range notDirect {
			f.Add([]byte(strings.Replace(h, `"kid":"k`, `"kid":"`+text, 1)))
			f.Add([]byte(strings.Replace(h, `"x":"`, `"x":"`+text, 1)))
			f.Add([]byte(strings.Replace(h, `"crv":"P-256`, `"crv":"`+text, 1)))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, tail := range []string{"", directTail} {
			if direct, ok := directJWE(raw, tail); ok {
				slow, err := parseJWEHeader(raw)
				if err != nil {
					t.Fatalf("%q is no header: %v", raw, err)
				}
				checkDirect(t, raw, direct, slow)
				for _, name := range []string{"iss", "jti"} {
					if _, there := slow.members.Raw(name); there != (tail != "") {
						t.Fatalf("%q has an iss or a jti that is not in its tail, or has none", raw)
					}
				}
			}
		}
		if direct, ok := directJWS(raw); ok {
			slow, err := parseHeader(raw)
			if err != nil {
				t.Fatalf("%q is no header: %v", raw, err)
			}
			checkDirect(t, raw, direct, slow)
			if _, there := slow.members.Raw("cty"); there {
				t.Fatalf("%q has a cty", raw)
			}
		}
	})
}

func checkDirect(t *testing.T, raw []byte, direct, slow header) {
	t.Helper()
	for _, name := range []string{"apu", "apv"} {
		if _, there := slow.members.Raw(name); there {
			t.Fatalf("%q has an %s, which the fast path does not read", raw, name)
		}
	}
	slow.members, direct.tail = strict.Object{}, ""
	if !bytes.Equal(direct.kid, slow.kid) || encryptionText(direct.encryption) != encryptionText(slow.encryption) {
		t.Fatalf("%q reads as %+v, and as JSON as %+v", raw, direct, slow)
	}
	for _, h := range []*header{&direct, &slow} {
		h.kid, h.encryption = nil, keys.Header{}
	}
	if !reflect.DeepEqual(direct, slow) {
		t.Fatalf("%q reads as %+v, and as JSON as %+v", raw, direct, slow)
	}
}

// encryptionText returns the text of all fields except members, which the fast path does not fill.
func encryptionText(h keys.Header) (text string) {
	v := reflect.ValueOf(h)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "members" {
			text += fmt.Sprintf("%s: %q ", name, v.Field(i))
		}
	}
	return text
}

func TestDirect(t *testing.T) {
	t.Parallel()
	count := func(raw string) (n int) {
		for _, tail := range []string{"", directTail} {
			if _, ok := directJWE([]byte(raw), tail); ok {
				n++
			}
		}
		if _, ok := directJWS([]byte(raw)); ok {
			n++
		}
		return n
	}
	for _, h := range directHeaders {
		if count(h) != 1 {
			t.Errorf("%s is not known", h)
		}
		for _, text := range notDirect {
			if other := strings.Replace(h, `"kid":"k`, `"kid":"`+text, 1); other != h && count(other) != 0 {
				t.Errorf("%s is known", other)
			}
		}
		for i := range h {
			if count(h[:i]) != 0 || count(h[:i]+" "+h[i:]) != 0 && !inText(h, i) || count(h[:i]+h[i+1:]) != 0 && !inText(h, i) {
				t.Errorf("%s is known when it is cut or torn at %d, or lacks what stands there", h, i)
			}
		}
		if count(h+" ") != 0 {
			t.Errorf("%s is known with text after it", h)
		}
	}
}

// inText reports whether a place is inside a value. A space there is a character of that value.
func inText(h string, at int) bool {
	before := h[:at]
	quotes := strings.Count(before, `"`)
	return quotes%2 == 1 && strings.HasSuffix(before[:strings.LastIndex(before, `"`)], ":")
}

// The fast path accepts the headers that package seal writes for these suites. If it did not, only
// the speed would suffer.
func TestSealedIsDirect(t *testing.T) {
	t.Parallel()
	for _, signing := range []keys.Suite{keys.ES256, keys.EdDSA} {
		for _, management := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KW} {
			set, err := keys.NewSet(keytest.SetConfig(generated(t, signing), generated(t, management)))
			if err != nil {
				t.Fatal(err)
			}
			const issuer = "https://id.example.com/\"ü"
			nested, err := seal.New(seal.Config{Issuer: issuer, Signing: set, Recipient: seal.Recipient{Audience: "a", Keys: set}})
			if err != nil {
				t.Fatal(err)
			}
			selective, err := seal.NewSelective(seal.SelectiveConfig{Issuer: issuer, Signing: set, Recipients: []seal.SelectiveRecipient{{Audience: "a", Keys: set}}})
			if err != nil {
				t.Fatal(err)
			}
			sealed := func(sealer *seal.Sealer) []string {
				token, err := sealer.Seal(context.Background(), seal.Claims{ID: "id-\"42"})
				if err != nil {
					t.Fatal(err)
				}
				return strings.Split(token, ".")
			}
			outer := rawPart(t, sealed(nested)[0])
			if _, ok := directJWE(outer, ""); !ok {
				t.Errorf("%s is not known", outer)
			}
			parts := sealed(selective)
			inner := rawPart(t, parts[0])
			if _, ok := directJWS(inner); !ok {
				t.Errorf("%s is not known", inner)
			}
			payload, err := strict.ParseObject(rawPart(t, parts[1]))
			if err != nil {
				t.Fatal(err)
			}
			jwes, _, _ := payload.Strings("sealed")
			first, _, _ := strings.Cut(jwes[0], ".")
			c := &claims{issuer: issuer, id: "id-\"42"}
			if _, ok := directJWE(rawPart(t, first), c.boundTail()); !ok {
				t.Errorf("%s is not known", rawPart(t, first))
			}
		}
	}
}

func generated(t *testing.T, suite keys.Suite) *keys.Key {
	t.Helper()
	k, err := keys.GenerateKey(suite)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rawPart(t *testing.T, part string) []byte {
	t.Helper()
	raw, err := strict.DecodeBase64URL(part)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
