package keyring_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// The KEK of a service comes from a secret manager. Several processes may start at once: one of
// them makes the ring.
func ExampleOpenOrCreate() {
	ctx := context.Background()
	kek, err := keyring.NewKEK([]byte("32 bytes, random in a real ring."))
	if err != nil {
		log.Fatal(err)
	}
	store := keyring.NewMemStore() // filestore.New("/var/lib/idp/ring")
	ring, err := keyring.OpenOrCreate(ctx, keyring.Config{Store: store, KEK: kek})
	if err != nil {
		log.Fatal(err)
	}
	infos, err := ring.Keys(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range infos {
		fmt.Println(k.Use, k.Suite, k.State)
	}
	// Output:
	// sig ES256 active
	// sig ES256 staged
	// enc ECDH-ES active
	// enc ECDH-ES staged
}

// A service rotates its ring while it runs. Here a step is due at once, because the ring has lost
// its staged key. In a service the next step is due after weeks.
func ExampleRing_Run() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ring := keytest.NewRing(keys.ES256) // in a service: filestore.OpenOrCreate
	if _, err := ring.RotateNowInsecurely(ctx, keys.UseSig); err != nil {
		log.Fatal(err)
	}
	report := func(step keyring.Step, err error) {
		if err != nil {
			log.Printf("the ring: %v", err) // Run tries again
			return
		}
		fmt.Println(step.Action, step.Use)
		stop() // a service goes on
	}
	var running sync.WaitGroup
	running.Go(func() { ring.Run(ctx, report) })
	// Sealers, openers and the JWKS handler use the ring meanwhile.
	running.Wait()
	// Output: stage sig
}

// A thief has the signing key. Revoke replaces it by a new one, and also replaces the staged key,
// which the thief may have.
func ExampleRing_Revoke() {
	ctx := context.Background()
	ring := keytest.NewRing(keys.ES256)
	set, err := ring.PrivateKeys(ctx)
	if err != nil {
		log.Fatal(err)
	}
	stolen, err := set.SigningKey()
	if err != nil {
		log.Fatal(err)
	}
	infos, err := ring.Revoke(ctx, keyring.Revocation{KeyID: stolen.ID(), Reason: "stolen laptop"})
	if err != nil {
		log.Fatal(err) // the key is NOT revoked
	}
	for _, k := range infos {
		fmt.Printf("%s %s %q\n", k.State, k.Use, k.Reason)
	}
	// Output:
	// revoked sig "stolen laptop"
	// revoked sig "staged beside a revoked key"
	// active sig ""
	// staged sig ""
}
