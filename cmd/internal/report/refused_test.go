package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal/leak"
)

func TestRefused(t *testing.T) {
	const sigs, encs = "its alg is none of ES256, EdDSA, RS256, PS256, Ed25519", "its alg is none of ECDH-ES, ECDH-ES+A256KW, RSA-OAEP-256, RSA-OAEP"
	for header, want := range map[string][]string{
		`{"alg":"ES256"}`:                              nil,
		`{"alg":"Ed25519","x5c":["x"],"x5t":"x"}`:      nil,
		`{"alg":"HS256"}`:                              {sigs},
		`{"alg":"ECDH-ES"}`:                            {sigs},
		`{"alg":"none"}`:                               {"its alg says that it is not signed"},
		`{"alg":"nOnE"}`:                               {"its alg says that it is not signed"},
		`{"alg":7}`:                                    {sigs},
		`{"alg":"ES256","crit":["exp"],"b64":false}`:   {"its header has crit, which is never taken", "its header has b64, which is never taken"},
		`{"alg":"ES256","jwk":{},"jku":"u"}`:           {"its header has jwk, which is never taken", "its header has jku, which is never taken"},
		`{"alg":"ES256","x5u":"u","TYP":"JWT"}`:        {"its header has x5u, which is never taken", "its header has typ in other letters"},
		`{"alg":"RSA-OAEP","enc":"A256GCM"}`:           nil,
		`{"alg":"RSA1_5","enc":"A128CBC-HS256"}`:       {encs},
		`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM"}`: {encs},
		`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`:    {encs, "its header has zip, which is never taken"},
		`{"alg":"ECDH-ES","enc":"A512GCM"}`:            {"its enc is not offered"},
		`{"alg":"ECDH-ES","enc":{}}`:                   {"its enc is not offered"},
		`{"alg":"ES256","AUD":"x"}`:                    nil,
	} {
		token := b64(header) + "." + b64(`{"iss":"x"}`) + "." + signature
		if strings.Contains(header, `"enc"`) {
			token = b64(header) + ".AA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
		}
		u, err := leak.Read(token)
		if err != nil {
			t.Errorf("%s: %v", header, err)
			continue
		}
		if got := Refused(&u.Layers[0]); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

// Refused says of each registered member of a header what open says of it.
func TestRefusedAsOpenDoes(t *testing.T) {
	key, err := keys.GenerateKey(keys.ECDHES)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(keys.SetConfig{Decryption: []*keys.Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience: "https://api.example.com", Decryption: set, Trust: []open.Issuer{{ID: "https://id.example.com", Keys: set}},
	})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, name := range []string{"zip", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "iv", "tag", "p2s", "p2c", "url", "nonce", "ppt", "svt", "iss",
		"CRIT", "Zip", "B64", "Jku", "X5U", "X5C", "Nonce", "Kid", "tYp", "CTY", "Epk", "APU", "aPv",
		"ISS", "Sub", "AUD", "Exp", "NBF", "iAT", "Jti", "SID"} {
		header := fmt.Sprintf(`{"alg":"ECDH-ES","enc":"A256GCM","kid":"k",%q:"x"}`, name)
		if name == "Kid" { // beside a kid its JSON is refused already
			header = `{"alg":"ECDH-ES","enc":"A256GCM","Kid":"x"}`
		}
		token := b64(header) + "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
		u, err := leak.Read(token)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = opener.Open(t.Context(), token)
		refusal, ok := errors.AsType[*open.Error](err)
		if !ok {
			t.Fatalf("%s: %v", name, err)
		}
		said := Refused(&u.Layers[0])
		if reason := refusal.Reason(); strings.Contains(reason, "never taken") || strings.Contains(reason, "in other letters") {
			refused++
			if len(said) != 1 || !strings.HasSuffix(reason, strings.TrimPrefix(said[0], "its ")) {
				t.Errorf("%s: %q, and open says: %s", name, said, reason)
			}
		} else if said != nil {
			t.Errorf("%s: %q, and open says: %s", name, said, reason)
		}
	}
	if refused < 15 {
		t.Errorf("open refuses only %d", refused)
	}
}
