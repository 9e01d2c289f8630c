// Package keycache fetches the public keys of other parties from their URLs, and keeps a copy of
// each JWK Set for the runs to come.
package keycache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// maxCopy is the longest file of the cache in bytes: a set, in base64.
const maxCopy = 2 * jwks.DefaultMaxBytes

// errNotOurs is the error for a folder or a file of the cache that another user could change: that
// user could choose the keys that seal and open use.
var errNotOurs = errors.New("unsafe")

// Cache is the folder in which fetched sets are kept for the runs to come.
type Cache struct {
	console *console.Console
	folder  string    // empty: there is no cache
	told    sync.Once // the warning that the cache is not used
}

// New returns the cache in a folder. An empty path stands for no cache.
func New(c *console.Console, folder string) *Cache {
	return &Cache{console: c, folder: folder}
}

// copyName returns the name of the file in the cache for the JWK Set at a URL.
func copyName(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:]) + ".json"
}

// cached returns the copy that an earlier run has kept, or an empty entry. For a copy that cannot
// be used it prints a warning and returns an empty entry; the next fetch replaces the copy.
func (c *Cache) cached(url string) jwks.CacheEntry {
	folder := c.usedCache()
	if folder == nil {
		return jwks.CacheEntry{}
	}
	defer folder.Close()
	held, err := readCopy(folder, copyName(url))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.console.Say("warning: the cache file %s is passed over: %s", filepath.Join(folder.Name(), copyName(url)), console.Plain(err))
	}
	if err != nil {
		return jwks.CacheEntry{}
	}
	return held
}

// usedCache opens the folder of the cache. It returns nil if no copy may be used.
func (c *Cache) usedCache() *os.Root {
	folder, err := openCache(c.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.warnOfCache(err)
	}
	return folder
}

// keep writes a copy for the next run, in place of an earlier copy. If the folder cannot be made,
// as in some containers, keep prints nothing, and each run fetches. If the folder exists and cannot
// be written, keep prints a warning, because the folder may still hold an older copy.
func (c *Cache) keep(next jwks.CacheEntry) error {
	folder, err := makeCache(c.folder)
	if errors.Is(err, errNotOurs) {
		c.warnOfCache(err)
	}
	if err != nil {
		return err
	}
	defer folder.Close()
	if before, err := readCopy(folder, copyName(next.URL)); err == nil && outlives(before, next) {
		return nil
	}
	data, err := json.Marshal(next)
	if err == nil {
		err = filestore.ReplaceFile(folder, copyName(next.URL), append(data, '\n'))
	}
	if err != nil {
		c.told.Do(func() {
			c.console.Say("warning: what was fetched is not kept: %s cannot be replaced: %s",
				filepath.Join(folder.Name(), copyName(next.URL)), withoutPath(err))
		})
	}
	return err
}

// outlives reports whether the copy before must stay, because the issuer made it after the set
// next. That happens if this run began before a call of jwks fetch and ends after it: writing next
// would put a revoked key back. A copy that is too old to use or from the future does not stay.
func outlives(before, next jwks.CacheEntry) bool {
	age := time.Since(before.Fetched)
	return before.Generated.After(next.Generated) && !bytes.Equal(before.Body, next.Body) &&
		age >= 0 && age <= jwks.DefaultMaxStale
}

// forget removes the copy of a URL, if there is a copy that seal and open would use.
func (c *Cache) forget(url string) error {
	folder := c.usedCache()
	if folder == nil {
		return nil
	}
	defer folder.Close()
	switch err := folder.Remove(copyName(url)); {
	case err == nil:
		c.console.Say("warning: the older copy was removed: seal and open fetch the keys again")
	case !errors.Is(err, fs.ErrNotExist):
		return &console.Failure{
			Err: fmt.Errorf("the copy in the cache could be neither replaced nor removed: %w", withoutPath(err)), Code: console.ExitIO,
			Advice: "seal and open go on with its keys until you remove " + filepath.Join(folder.Name(), copyName(url)),
		}
	}
	return nil
}

// warnOfCache prints, once in a run, why the run does not use the cache.
func (c *Cache) warnOfCache(err error) {
	c.told.Do(func() {
		c.console.Say("warning: the cache is not used: %s: make it a folder of this user alone, or set XDG_CACHE_HOME to one", err)
	})
}

func withoutPath(err error) error {
	if bad, ok := errors.AsType[*os.LinkError](err); ok {
		return bad.Err
	}
	if bad, ok := errors.AsType[*fs.PathError](err); ok {
		return bad.Err
	}
	return err
}
