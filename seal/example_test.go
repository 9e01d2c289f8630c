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

// An issuer with its own ring, and a recipient that has published its JWK Set.
func ExampleSealer_Seal() {
	ctx := context.Background()

	// A service keeps its keys: keyring.OpenOrCreate with filestore.New.
	ring := keytest.NewRing(keys.ES256)
	recipient, err := keys.ParsePublicSet([]byte(`{"keys":[{
		"kty":"EC","crv":"P-256","use":"enc","alg":"ECDH-ES","kid":"api-2026",
		"x":"uWnDIOq6yuR74Vramk2ya7nHPv_wU_CJFs5L2RvqimU",
		"y":"H8S6imtcdOgyAF2p83m_PMa3nOZS4M3lHkOQ-9g7qNI"}]}`))
	if err != nil {
		log.Fatal(err)
	}

	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   ring,
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: recipient},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := sealer.Seal(ctx, seal.Claims{
		Subject: "u-42",
		Custom:  map[string]string{"email": "ada@example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}

	// All that a stranger can read:
	parts := strings.Split(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		log.Fatal(err)
	}
	var header struct{ Alg, Enc, Kid, Cty string }
	if err := json.Unmarshal(text, &header); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(parts), "parts")
	fmt.Println(header.Alg, header.Enc, header.Kid, header.Cty)
	// Output:
	// 5 parts
	// ECDH-ES A256GCM api-2026 JWT
}

// A token that any gateway can verify and route, of which billing and kyc read
// different claims. The scope is in clear.
func ExampleSealer_Seal_selective() {
	ctx := context.Background()
	// In a service the recipients' keys are public ones, from keys.ParsePublicSet.
	issuer, billing, kyc := keytest.NewRing(keys.ES256), keytest.NewRing(keys.ECDHES), keytest.NewRing(keys.ECDHES)

	sealer, err := seal.NewSelective(seal.SelectiveConfig{
		Issuer:  "https://id.example.com",
		Signing: issuer,
		Visible: []string{"scope"},
		Recipients: []seal.SelectiveRecipient{
			{Audience: "https://billing.example.com", Keys: billing, Reads: []string{"email", "address"}},
			{Audience: "https://kyc.example.com", Keys: kyc, Reads: []string{"email", "national_id"}},
		},
		Limits: seal.Limits{Pad: 256}, // so that the lengths do not tell one person from another
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := sealer.Seal(ctx, seal.Claims{
		Subject: "u-42",
		Custom: map[string]string{
			"scope": "read write", "email": "ada@example.com", "address": "1 Quill Street", "national_id": "991231-1000000",
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	// All that a stranger can read, beside the times and the jti:
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		log.Fatal(err)
	}
	var payload struct {
		Iss, Sub, Scope string
		Aud, Sealed     []string
	}
	if err := json.Unmarshal(text, &payload); err != nil {
		log.Fatal(err)
	}
	fmt.Println(payload.Iss, payload.Sub, payload.Scope)
	fmt.Println(payload.Aud)
	fmt.Println(len(payload.Sealed), "sealed parts")

	// A claim that should have been sealed is not shown by mistake.
	_, err = seal.NewSelective(seal.SelectiveConfig{
		Issuer:     "https://id.example.com",
		Signing:    issuer,
		Visible:    []string{"scope", "email"},
		Recipients: []seal.SelectiveRecipient{{Audience: "https://kyc.example.com", Keys: kyc}},
	})
	fmt.Println(err)
	// Output:
	// https://id.example.com u-42 read write
	// [https://billing.example.com https://kyc.example.com]
	// 2 sealed parts
	// seal: personal data would be readable: Visible names "email" (e-mail address): seal it, or name it in AllowReadable too
}
