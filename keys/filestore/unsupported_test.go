//go:build !unix

package filestore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Each function that would read or write a ring or a memory returns an error that says that the
// system is not supported. None makes a file.
func TestUnsupported(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	path := filepath.Join(folder, "ring")
	store, memory := New(path), NewMemory(path, path+".seen")
	_, _, load := store.Load(ctx)
	_, swap := store.Swap(ctx, "", []byte("ring"))
	_, openOrCreate := OpenOrCreate(ctx, path, path+".kek")
	_, _, seen := memory.Load(ctx)
	for name, err := range map[string]error{
		"Load": load, "Swap": swap, "Writable": store.Writable(ctx), "OpenOrCreate": openOrCreate, "Memory.Load": seen,
		"Memory.Save": memory.Save(ctx, keyring.Checkpoint{}), "Memory.Accept": memory.Accept(ctx, keyring.Checkpoint{}),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", name, err)
		}
	}
	if memory.Path() != "" {
		t.Errorf("the memory has the path %s", memory.Path())
	}
	if made, _ := filepath.Glob(filepath.Join(folder, "*")); len(made) > 0 {
		t.Errorf("files were made: %v", made)
	}
}
