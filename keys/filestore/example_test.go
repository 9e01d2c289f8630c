//go:build unix

package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A service gets its ring in one line. The first process that starts makes both files.
func ExampleOpenOrCreate() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ringPath, kekPath := filepath.Join(dir, "var", "ring"), filepath.Join(dir, "etc", "kek")

	ring, err := filestore.OpenOrCreate(ctx, ringPath, kekPath)
	if err != nil {
		log.Fatal(err)
	}
	step, due, err := ring.NextStep(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(step.Action, step.Use, due)
	// Output: mark-due enc false
}

// A Store replaces its document by version: of two writers that start from one version, one
// succeeds. Package keyring changes a ring in this way.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store := filestore.New(filepath.Join(dir, "sealjwt", "ring"))

	_, _, err = store.Load(ctx)
	fmt.Println("before:", errors.Is(err, keyring.ErrNoRing))

	first, err := store.Swap(ctx, "", []byte("an encrypted ring"))
	fmt.Println("create:", err)

	_, err = store.Swap(ctx, first, []byte("a rotated ring"))
	fmt.Println("rotate:", err)

	_, err = store.Swap(ctx, first, []byte("from a slow rotator"))
	fmt.Println("too late:", errors.Is(err, keyring.ErrConflict))

	doc, _, err := store.Load(ctx)
	fmt.Printf("now: %s %v\n", doc, err)
	// Output:
	// before: true
	// create: <nil>
	// rotate: <nil>
	// too late: true
	// now: a rotated ring <nil>
}
