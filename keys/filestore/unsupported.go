//go:build !unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

var errSystem = fmt.Errorf("filestore: %s has no file locks and modes that keep a ring safe: "+
	"keep the ring on Linux or macOS, or in a database: %w", runtime.GOOS, errors.ErrUnsupported)

var (
	_ keyring.Store  = (*Store)(nil)
	_ keyring.Memory = (*Memory)(nil)
)

// Store cannot keep a ring on this system.
type Store struct{ _ byte }

// New returns a Store whose methods return [errors.ErrUnsupported].
func New(string) *Store { return &Store{} }

// Load returns [errors.ErrUnsupported].
func (*Store) Load(context.Context) (doc []byte, version string, err error) {
	return nil, "", errSystem
}

// Swap returns [errors.ErrUnsupported].
func (*Store) Swap(context.Context, string, []byte) (version string, err error) {
	return "", errSystem
}

// Writable returns [errors.ErrUnsupported].
func (*Store) Writable(context.Context) error { return errSystem }

// OpenOrCreate returns [errors.ErrUnsupported].
func OpenOrCreate(context.Context, string, string, ...string) (*keyring.Ring, error) {
	return nil, errSystem
}

// Memory cannot remember a ring on this system.
type Memory struct{ _ byte }

// NewMemory returns a Memory whose Load, Save and Accept return [errors.ErrUnsupported].
func NewMemory(string, ...string) *Memory { return &Memory{} }

// Path returns an empty path: Save can write no file.
func (*Memory) Path() string { return "" }

// Load returns [errors.ErrUnsupported].
func (*Memory) Load(context.Context) (here keyring.Checkpoint, rings []keyring.Checkpoint, err error) {
	return keyring.Checkpoint{}, nil, errSystem
}

// Save returns [errors.ErrUnsupported].
func (*Memory) Save(context.Context, keyring.Checkpoint) error { return errSystem }

// Accept returns [errors.ErrUnsupported].
func (*Memory) Accept(context.Context, keyring.Checkpoint) error { return errSystem }
