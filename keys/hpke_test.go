package keys_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// hpkeKey returns a key of the test data for the suite of AddHPKE.
func hpkeKey(t *testing.T, x25519 bool) *keys.Key {
	t.Helper()
	suite, remove := keys.AddHPKE(x25519)
	t.Cleanup(remove)
	file := "../testdata/keys/p256.pem"
	if x25519 {
		file = "../testdata/keys/x25519.pem"
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.ParseKey(data, keys.Hint{Suite: suite})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// published writes the public keys of a source as JSON and reads them back.
func published(t *testing.T, source keys.PublicSource) *keys.PublicSet {
	t.Helper()
	p, err := source.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := keys.ParsePublicSet(text)
	if err != nil || len(read.Skipped()) != 0 {
		t.Fatalf("%v, skipped %v", err, read.Skipped())
	}
	return read
}

// parties returns a sealer and an opener with one key, for one of the forms.
func parties(t *testing.T, enc *keys.Key, selective bool) (*seal.Sealer, *open.Opener) {
	t.Helper()
	const iss, aud = "https://id.example.com", "https://api.example.com"
	issuer, reader := keytest.NewSet(keytest.NewKey(keys.ES256)), keytest.NewSet(enc)
	trust := []open.Issuer{{ID: iss, Keys: published(t, issuer)}}
	to := seal.Recipient{Audience: aud, Keys: published(t, reader)}
	sealer, err := seal.New(seal.Config{Issuer: iss, Signing: issuer, Recipient: to})
	opener, err2 := open.New(open.Config{Audience: aud, Trust: trust, Decryption: reader})
	if selective {
		sealer, err = seal.NewSelective(seal.SelectiveConfig{Issuer: iss, Signing: issuer, Recipients: []seal.SelectiveRecipient{{Audience: to.Audience, Keys: to.Keys}}})
		opener, err2 = open.NewSelective(open.SelectiveConfig{Audience: aud, Trust: trust, Decryption: reader})
	}
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return sealer, opener
}

// jweOf returns the parts of the one JWE in a token.
func jweOf(t *testing.T, token string, selective bool) []string {
	t.Helper()
	if selective {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct{ Sealed []string }
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		token = claims.Sealed[0]
	}
	return strings.Split(token, ".")
}

// Packages seal and open know nothing of framings. A suite with another framing than the present
// ones passes through them.
func TestSuiteOfAnotherFraming(t *testing.T) {
	for _, x25519 := range []bool{false, true} {
		for _, selective := range []bool{false, true} {
			enc := hpkeKey(t, x25519)
			sealer, opener := parties(t, enc, selective)
			token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: map[string]string{"email": "ada@example.com"}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := opener.Open(t.Context(), token)
			if err != nil {
				t.Fatalf("selective %v: %v", selective, err)
			}
			var claims struct {
				Email string `json:"email"`
			}
			if err := got.Claims(&claims); err != nil || claims.Email != "ada@example.com" {
				t.Errorf("selective %v: %+v, %v", selective, claims, err)
			}
			parts := jweOf(t, token, selective)
			header, err := base64.RawURLEncoding.DecodeString(parts[0])
			if err != nil || !strings.HasPrefix(string(header), `{"alg":"HPKE-TEST","kid":"`+enc.ID()+`","cty":"`) {
				t.Errorf("the header is %s", header)
			}
			if len(parts) != 5 || parts[1] == "" || parts[2] != "" || parts[3] == "" || parts[4] != "" {
				t.Errorf("the parts are %q", parts)
			}
			if selective {
				continue
			}
			for name, forged := range map[string][]string{
				"initialization vector": {parts[0], parts[1], "AAAA", parts[3], parts[4]},
				"tag":                   {parts[0], parts[1], parts[2], parts[3], "AAAA"},
				"tag cut off":           {parts[0], parts[1], parts[2], parts[3][:len(parts[3])-24], parts[3][len(parts[3])-24:]},
				"no encapsulated key":   {parts[0], "", parts[2], parts[3], parts[4]},
				"a bit":                 {parts[0], parts[1], parts[2], flip(parts[3]), parts[4]},
				"another key":           {parts[0], flip(parts[1]), parts[2], parts[3], parts[4]},
			} {
				_, err := opener.Open(t.Context(), strings.Join(forged, "."))
				if !errors.Is(err, open.ErrMalformed) && !errors.Is(err, open.ErrNotAuthentic) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// flip changes a character inside a part.
func flip(part string) string {
	c := "A"
	if part[9] == 'A' {
		c = "B"
	}
	return part[:9] + c + part[10:]
}
