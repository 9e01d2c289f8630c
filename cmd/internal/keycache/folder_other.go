//go:build !unix

package keycache

import (
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/jwks"
)

// This system has no owners and modes by which a copy could be trusted like an answer over TLS.
// So each run fetches, and keeps nothing.

func openCache(string) (*os.Root, error) { return nil, fs.ErrNotExist }

func makeCache(string) (*os.Root, error) { return nil, fs.ErrNotExist }

func readCopy(*os.Root, string) (jwks.CacheEntry, error) { return jwks.CacheEntry{}, fs.ErrNotExist }
