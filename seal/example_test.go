package seal_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// An issuer with its own ring, and a recipient that has published its JWK Set.
func ExampleSealer_Seal() {
	ctx := context.Background()

	// In a service: keys.KeyFile and filestore.New, so that the ring lasts.
	kek, err := keys.RawKey(make([]byte, 32)) // never in earnest
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keys.Create(ctx, keys.MemStore(), kek, keys.RingConfig{Uses: []keys.Use{keys.UseSig}})
	if err != nil {
		log.Fatal(err)
	}
	recipient, err := keys.ParsePublicSet([]byte(`{"keys":[{
		"kty":"EC","crv":"P-256","use":"enc","alg":"ECDH-ES","kid":"api-2026",
		"x":"uWnDIOq6yuR74Vramk2ya7nHPv_wU_CJFs5L2RvqimU",
		"y":"H8S6imtcdOgyAF2p83m_PMa3nOZS4M3lHkOQ-9g7qNI"}]}`))
	if err != nil {
		log.Fatal(err)
	}

	sealer, err := seal.New(seal.Config{
		Issuer:     "https://id.example.com",
		Signing:    ring,
		Recipients: []seal.Recipient{{Audience: "https://api.example.com", Keys: recipient}},
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
