//go:build unix

package keyring_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Several processes of a service may start at once: one of them makes the ring.
func ExampleOpenOrCreate() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "ring")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	kek, err := keyring.NewKEK([]byte("32 bytes, random in a real ring.")) // KEKFile reads a file
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keyring.OpenOrCreate(ctx, keyring.Config{Store: filestore.New(filepath.Join(folder, "ring")), KEK: kek})
	if err != nil {
		log.Fatal(err)
	}
	infos, err := ring.Keys(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range infos {
		if k.State == keyring.Active {
			fmt.Println(k.Use, k.Suite)
		}
	}
	fmt.Println(ring)
	// Output:
	// sig ES256
	// enc ECDH-ES
	// [redacted]
}
