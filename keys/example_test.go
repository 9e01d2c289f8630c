package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// The JWK Set of another party may hold keys that this version cannot use. They are not an error,
// but a program should log them.
func ExampleParsePublicSet() {
	set, err := keys.ParsePublicSet([]byte(`{"keys": [
		{"kid": "2026-01", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kid": "2026-02", "kty": "EC", "crv": "P-521", "use": "enc"}
	]}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range set.Keys() {
		fmt.Printf("%q: %v for %v\n", k.ID(), k.Suite(), k.Use())
	}
	for _, s := range set.Skipped() {
		fmt.Printf("%q passed over: %v\n", s.KeyID, s.Reason)
	}
	// Output:
	// "2026-01": EdDSA for sig
	// "2026-02" passed over: keys: not supported: curve "P-521" of key type "EC"
}

// A ring or a set publishes its public keys as a JWK Set. The JWK Set cannot hold private members.
func ExamplePublicSet_MarshalJSON() {
	key, err := keys.ParseKey([]byte(`{"kty": "OKP", "crv": "Ed25519", "kid": "2026-01",
		"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
		"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`), keys.Hint{})
	if err != nil {
		log.Fatal(err)
	}
	set, err := keys.NewSet(keys.SetConfig{Signing: key})
	if err != nil {
		log.Fatal(err)
	}
	public, err := set.PublicKeys(context.Background(), "")
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.MarshalIndent(public, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", text)
	// Output:
	// {
	//   "keys": [
	//     {
	//       "use": "sig",
	//       "kty": "OKP",
	//       "kid": "2026-01",
	//       "crv": "Ed25519",
	//       "alg": "EdDSA",
	//       "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	//     }
	//   ]
	// }
}

// fakeKMS stands for the client of a KMS: it signs, and keeps its private key to itself.
type fakeKMS struct{ crypto.Signer }

func newFakeKMS() fakeKMS {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	return fakeKMS{key}
}

// The signing keys of an issuer stay in a KMS. The issuer publishes the next version of a key
// before that version signs, so that every verifier has it in time.
func ExampleFromSigner() {
	ctx := context.Background()
	current, err := keys.FromSigner("kms/idp/1", keys.ES256, newFakeKMS())
	if err != nil {
		log.Fatal(err)
	}
	next, err := keys.FromSigner("kms/idp/2", keys.ES256, newFakeKMS())
	if err != nil {
		log.Fatal(err)
	}
	set, err := keys.NewSet(keys.SetConfig{ // for seal.Config.Signing and jwks.NewHandler
		Signing:          current,
		Published:        []*keys.Key{current, next},
		MaxTokenLifetime: time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	public, err := set.PublicKeys(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range public.Keys() {
		fmt.Println(k.ID(), k.Suite(), k.Use())
	}
	// Output:
	// kms/idp/1 ES256 sig
	// kms/idp/2 ES256 sig
}
