package open_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
	"github.com/sealjwt/sealjwt/seal"
)

// goldenToken is a token that every later version opens. Its keys were made for it and have no
// other use.
type goldenToken struct {
	About     string          `json:"about"`
	Token     string          `json:"token"`
	Recipient json.RawMessage `json:"recipient"` // private JWK
	Issuer    json.RawMessage `json:"issuer"`    // public JWK
	Iss       string          `json:"iss"`
	Aud       string          `json:"aud"`
	Typ       string          `json:"typ"`
	Clock     int64           `json:"clock"` // unix seconds at which the token is good
	Claims    json.RawMessage `json:"claims"`

	Form   string       `json:"form,omitempty"`   // "selective"; empty: nested
	Others []goldenView `json:"others,omitempty"` // who else opens it
}

// goldenView has the claims that one party reads.
type goldenView struct {
	Gateway   bool            `json:"visible_only,omitempty"` // a gateway, without recipient
	Recipient json.RawMessage `json:"recipient,omitempty"`
	Aud       string          `json:"aud"`
	Claims    json.RawMessage `json:"claims"`
}

// views returns the views of all parties that open the token.
func (g goldenToken) views() []goldenView {
	return append([]goldenView{{Recipient: g.Recipient, Aud: g.Aud, Claims: g.Claims}}, g.Others...)
}

const goldenFolder = "../testdata/tokens"

// goldenTokens reads all golden tokens. It fails if there is none.
func goldenTokens(t testing.TB) map[string]goldenToken {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden tokens in %s (%v)", goldenFolder, err)
	}
	all := make(map[string]goldenToken)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g goldenToken
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&g); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = g
	}
	return all
}

// config returns a configuration that accepts this token as v opens it, and no other token.
func (g goldenToken) config(t testing.TB, v goldenView) anyOpen {
	t.Helper()
	issuer, err := keys.ParsePublicSet(fmt.Appendf(nil, `{"keys":[%s]}`, g.Issuer))
	if err != nil {
		t.Fatal(err)
	}
	cfg := anyOpen{SelectiveConfig: open.SelectiveConfig{Audience: v.Aud, Trust: []open.Issuer{{ID: g.Iss, Keys: issuer, Type: g.Typ}}}, Gateway: v.Gateway}
	switch g.Form {
	case "selective":
		cfg.Selective = selectiveForm
	case "":
	default:
		t.Fatalf("form is %q", g.Form)
	}
	if v.Gateway {
		return cfg
	}
	recipient, err := keys.ParseKey(v.Recipient, keys.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(keytest.SetConfig(recipient))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Decryption = set
	return cfg
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, g := range goldenTokens(t) {
		for i, v := range g.views() {
			t.Run(fmt.Sprint(name, "-", i), func(t *testing.T) {
				tok, err := newOpener(t, g.config(t, v)).OpenAt(t.Context(), g.Token, time.Unix(g.Clock, 0))
				if err != nil {
					t.Fatal(err)
				}
				// The padding is white space in the claims. The file does not keep it.
				var got, want bytes.Buffer
				if err := errors.Join(json.Compact(&got, rawClaims(t, tok)), json.Compact(&want, v.Claims)); err != nil {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					t.Errorf("claims are %s\nwant %s", &got, &want)
				}
			})
		}
	}
}

// TestWriteGolden wrote testdata/tokens. It replaces no file, because every golden token is a
// promise.
func TestWriteGolden(t *testing.T) {
	if os.Getenv("SEALJWT_WRITE_GOLDEN") == "" {
		t.Skip("set SEALJWT_WRITE_GOLDEN=1 to write the golden tokens that are missing")
	}
	for name, make := range map[string]func(t *testing.T) goldenToken{
		"default":             sealed(keys.ES256, keys.ECDHES, keys.A256GCM, "sealed+jwt", "small"),
		"a128gcm":             sealed(keys.ES256, keys.ECDHES, keys.A128GCM, "sealed+jwt", "userinfo"),
		"a256cbc-hs512":       sealed(keys.ES256, keys.ECDHES, keys.A256CBCHS512, "sealed+jwt", "health"),
		"eddsa-ecdh-a256kw":   sealed(keys.EdDSA, keys.ECDHESA256KW, keys.A256GCM, "sealed+jwt", "korean"),
		"rs256-rsa-oaep":      sealed(keys.RS256, keys.RSAOAEP256, keys.A256GCM, "JWT", "small"),
		"ps256-rsa-oaep-sha1": sealed(keys.PS256, keys.RSAOAEP, keys.A256GCM, "JWT", "userinfo"),
		"ps256-a128cbc":       sealed(keys.PS256, keys.ECDHES, keys.A128CBCHS256, "sealed+jwt", "small"),
		"go-jose":             foreign(keys.ES256, keys.ECDHESA256KW, keys.A256CBCHS512, `"https://api.example.com"`),
		"two-audiences":       foreign(keys.ES256, keys.ECDHES, keys.A256GCM, `["https://billing.example.com","https://api.example.com"]`),

		"x25519":        sealedX25519(keys.ECDHESX25519, "small"),
		"x25519-a256kw": sealedX25519(keys.ECDHESA256KWX25519, "userinfo"),

		"replicate-pad":            replicated,
		"selective-two-recipients": twoRecipients,
		"selective-go-jose":        foreignSelective,
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			// A bubble can have any time, so all tokens are of one moment.
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(clock))
				if err := enc.Encode(make(t)); err != nil {
					t.Fatal(err)
				}
			})
			path := filepath.Join(goldenFolder, name+".json")
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				t.Skip(err)
			}
			if _, err := f.Write(b.Bytes()); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// goldenKeys returns new keys with kids of the library.
func goldenKeys(signing, management keys.Suite) (signer, recipient *testKey) {
	made := func(suite keys.Suite) *testKey {
		var private forge.PrivateKey
		switch suite {
		case keys.EdDSA:
			private = newEd25519()
		case keys.RS256, keys.PS256, keys.RSAOAEP256, keys.RSAOAEP:
			private = forge.Generate(&rsa.PrivateKey{})
		default:
			private = newP256()
		}
		k := newTestKey(suite, "", private)
		k.Kid = k.Held.ID()
		return newTestKey(suite, k.Kid, private)
	}
	return made(signing), made(management)
}

func newGolden(signer, recipient *testKey, typ, about string) goldenToken {
	return goldenToken{
		About:     about + " The keys are for this test alone.",
		Recipient: must(json.Marshal(recipient.Jose(recipient.Private))),
		Issuer:    must(json.Marshal(signer.Jose(signer.Public()))),
		Iss:       issuerID, Aud: audience, Typ: typ, Clock: clock.Unix() + 60,
	}
}

// sealed returns a function that makes a token from a claims file with package seal.
func sealed(signing, management keys.Suite, content keys.Content, typ, file string) func(t *testing.T) goldenToken {
	return func(t *testing.T) goldenToken {
		signer, recipient := goldenKeys(signing, management)
		g := newGolden(signer, recipient, typ, fmt.Sprintf("Made by package seal with %v, %v and %v, of claims/%s.json.", signing, management, content, file))
		subject, claims := claimsFile(t, file)
		sealer, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Type:       typ,
			Signing:    privateSet(signer),
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: publicSet(recipient), Content: content}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if g.Token, err = sealer.Seal(t.Context(), seal.Claims{Subject: subject, Custom: claims}); err != nil {
			t.Fatal(err)
		}
		if g.Claims, err = joseClaims(g.Token, signer, recipient); err != nil {
			t.Fatal(err)
		}
		return g
	}
}

// foreign returns a function that makes a token with go-jose alone.
func foreign(signing, management keys.Suite, content keys.Content, aud string) func(t *testing.T) goldenToken {
	return func(t *testing.T) goldenToken {
		signer, recipient := goldenKeys(signing, management)
		g := newGolden(signer, recipient, "sealed+jwt", fmt.Sprintf("Made by go-jose with %v, %v and %v.", signing, management, content))
		g.Claims = fmt.Appendf(nil, `{"iss":"%s","aud":%s,"sub":"u-20481357","exp":%d.5,"iat":%d,"jti":"made-by-go-jose","email":"ada@example.com"}`,
			issuerID, aud, clock.Unix()+900, clock.Unix())
		g.Token = joseToken(signer, recipient, content, g.Typ, g.Claims)
		return g
	}
}
