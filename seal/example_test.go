package seal_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/seal"
)

// An attacker reads nothing but the header of a nested token. In a service the issuer's ring is in
// a file (filestore.OpenOrCreate), and the recipient's keys come from its JWK Set (jwks.NewRemote,
// keys.ParsePublicSet).
func ExampleSealer_Seal() {
	idp, api := keytest.NewRing(keys.ES256), keytest.NewRing(keys.ECDHES)
	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   idp,
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: api},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := sealer.Seal(context.Background(), seal.Claims{
		Subject: "u-42",
		Custom:  map[string]string{"email": "ada@example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	var header struct{ Alg, Enc, Cty string }
	readPart(token, 0, &header)
	fmt.Println(strings.Count(token, ".")+1, "parts:", header.Alg, header.Enc, header.Cty)
	// Output:
	// 5 parts: ECDH-ES A256GCM JWT
}

// Any gateway verifies a selective token and routes by it. Billing and kyc read different claims,
// and the scope is in clear.
func ExampleSealer_Seal_selective() {
	idp, billing, kyc := keytest.NewRing(keys.ES256), keytest.NewRing(keys.ECDHES), keytest.NewRing(keys.ECDHES)
	sealer, err := seal.NewSelective(seal.SelectiveConfig{
		Issuer:  "https://id.example.com",
		Signing: idp,
		Visible: []string{"scope"},
		Recipients: []seal.SelectiveRecipient{
			{Audience: "https://billing.example.com", Keys: billing, Reads: []string{"email", "address"}},
			{Audience: "https://kyc.example.com", Keys: kyc, Reads: []string{"email", "national_id"}},
		},
		Limits: seal.Limits{Pad: 256}, // so that no length tells one person from another
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := sealer.Seal(context.Background(), seal.Claims{Subject: "u-42", Custom: map[string]string{
		"scope": "read write", "email": "ada@example.com", "address": "1 Quill Street", "national_id": "991231-1000000",
	}})
	if err != nil {
		log.Fatal(err)
	}
	var payload struct{ Sub, Scope string }
	readPart(token, 1, &payload)
	fmt.Println(payload.Sub, payload.Scope)
	// Output: u-42 read write
}

// A configuration that shows a claim with personal data by mistake is refused.
func ExampleNewSelective_personalData() {
	_, err := seal.NewSelective(seal.SelectiveConfig{
		Issuer:     "https://id.example.com",
		Signing:    keytest.NewRing(keys.ES256),
		Visible:    []string{"scope", "email"},
		Recipients: []seal.SelectiveRecipient{{Audience: "https://kyc.example.com", Keys: keytest.NewRing(keys.ECDHES)}},
	})
	fmt.Println(err)
	// Output:
	// seal: personal data would be readable: Visible names "email" (e-mail address): seal it, or name it in AllowReadable too
}

// readPart decodes a part of a token as an attacker without a key does.
func readPart(token string, i int, dst any) {
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(text, dst); err != nil {
		log.Fatal(err)
	}
}
