//go:build !unix

package keycache

import (
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/jwks"
)

// This system has no file owners and modes that could show that no other user has changed a copy.
// So this system has no cache: each run fetches and keeps nothing.

func openCache(string) (*os.Root, error) { return nil, fs.ErrNotExist }

func makeCache(string) (*os.Root, error) { return nil, fs.ErrNotExist }

func readCopy(*os.Root, string) (jwks.CacheEntry, error) { return jwks.CacheEntry{}, fs.ErrNotExist }
