package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	billing = "https://billing.example.com"
	kyc     = "https://kyc.example.com"
)

// For a peer a selective token is a signed JWT like any other. The peer verifies it, and decrypts
// its JWEs with the recipients' keys. A token that a peer has put together opens here.
func TestSelective(t *testing.T) {
	us := ourParty(t)
	for _, of := range peers {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			p := of.start(t)
			theirs := theirKeys(t, of.name, p)
			// Every peer of the list has ES256 and these two suites, or says that it lacks them.
			desks := []desk{{billing, keys.ECDHES, members{"email": "ada@example.com"}},
				{kyc, keys.ECDHESA256KW, members{"email": "ada@example.com", "national_id": "991231-1000000"}}}
			t.Run("ours-is-read-there", func(t *testing.T) { selectiveReadThere(t, p, us, theirs, desks) })
			t.Run("theirs-opens-here", func(t *testing.T) { selectiveOpensHere(t, p, us, theirs, desks) })
		})
	}
}

// desk is a recipient with the claims that it may read.
type desk struct {
	audience string
	suite    keys.Suite
	claims   members
}

func selectiveReadThere(t *testing.T, p peer, us party, theirs map[keys.Suite]keyPair, desks []desk) {
	cfg := seal.SelectiveConfig{Issuer: issuer, Signing: us.set[keys.ES256], Visible: []string{"scope"}}
	for _, d := range desks {
		set, err := publicSet(theirs[d.suite].Public)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range d.claims {
			names = append(names, name)
		}
		cfg.Recipients = append(cfg.Recipients, seal.SelectiveRecipient{Audience: d.audience, Keys: set, Reads: names})
	}
	sealer, err := seal.NewSelective(cfg)
	if err != nil {
		t.Fatal(err)
	}
	token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", ID: "the-id", Custom: members{
		"scope": "read", "email": "ada@example.com", "national_id": "991231-1000000"}})
	if err != nil {
		t.Fatal(err)
	}
	claims, header, err := p.verify(token, us.jwk[keys.ES256], expected{alg: "ES256", typ: "JWT", iss: issuer, aud: billing})
	if err != nil {
		t.Fatal(err)
	}
	jwes, ok := claims["sealed"].([]any)
	if !ok || len(jwes) != len(desks) || header["typ"] != "JWT" || claims["scope"] != "read" || claims["sub"] != "u-42" {
		t.Fatalf("header %v, claims %v", header, claims)
	}
	if _, readable := claims["email"]; readable {
		t.Error("a sealed claim is readable")
	}
	for i, d := range desks {
		plaintext, header, err := p.decrypt(jwes[i].(string), theirs[d.suite].Private, d.suite.Alg(), "A256GCM")
		if err != nil {
			t.Fatal(err)
		}
		var got members
		if err := json.Unmarshal([]byte(plaintext), &got); err != nil || !reflect.DeepEqual(got, d.claims) {
			t.Errorf("%s reads %s (%v)", d.audience, plaintext, err)
		}
		if header["cty"] != "sealed-claims+json" || header["iss"] != issuer || header["jti"] != "the-id" {
			t.Errorf("header %v", header)
		}
	}
}

func selectiveOpensHere(t *testing.T, p peer, us party, theirs map[keys.Suite]keyPair, desks []desk) {
	var jwes []string
	for _, d := range desks {
		plaintext, err := json.Marshal(d.claims)
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := p.encrypt(string(plaintext), members{
			"alg": d.suite.Alg(), "enc": "A128GCM", "kid": kid(us.jwk[d.suite]), "cty": "sealed-claims+json", "iss": issuer, "jti": "theirs",
		}, us.jwk[d.suite])
		if err != nil {
			t.Fatal(err)
		}
		jwes = append(jwes, jwe)
	}
	now := time.Now().Unix()
	token, err := p.sign(members{
		"iss": issuer, "aud": []string{billing, kyc}, "iat": now, "exp": now + 300, "jti": "theirs", "scope": "read", "sealed": jwes,
	}, members{"alg": "ES256", "kid": kid(theirs[keys.ES256].Public), "typ": "JWT"}, theirs[keys.ES256].Private)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := publicSet(theirs[keys.ES256].Public)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range desks {
		opener, err := open.NewSelective(open.SelectiveConfig{
			Audience:   d.audience,
			Trust:      []open.Issuer{{ID: issuer, Keys: trust}},
			Decryption: us.set[d.suite],
			Require:    []string{"email"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := opensTo(t, opener, token, d); err != nil {
			t.Errorf("%s: %v", d.audience, err)
		}
	}
}

func opensTo(t *testing.T, opener *open.Opener, token string, d desk) error {
	tok, err := opener.Open(t.Context(), token)
	if err != nil {
		return err
	}
	var got members
	if err := tok.Claims(&got); err != nil {
		return err
	}
	for name, want := range d.claims {
		if got[name] != want {
			return fmt.Errorf("%s is not what was sealed", name)
		}
	}
	if tok.SealedForOthers() != 1 || len(tok.SealedNames()) != len(d.claims) {
		return errors.New("sealed are " + strings.Join(tok.SealedNames(), ", "))
	}
	return nil
}
