package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealjwt/sealjwt/keys/jwks"
)

// maxCopy is the longest file of the cache in bytes: a set, in base64.
const maxCopy = 2 * jwks.DefaultMaxBytes

// copyName is the file in the cache for the JWK Set at a URL.
func copyName(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:]) + ".json"
}

// cached is the copy that an earlier run has kept, or none. It is a help and no promise:
// one that cannot be used is said and passed over, and soon replaced.
func (a *app) cached(url string) jwks.Copy {
	folder, err := openCache()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.warnOfCache(err)
		}
		return jwks.Copy{}
	}
	defer folder.Close()
	c, err := readCopy(folder, copyName(url))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.say("warning: the cache file %s is passed over: %s", filepath.Join(folder.Name(), copyName(url)), plain(err.Error()))
	}
	if err != nil {
		return jwks.Copy{}
	}
	return c
}

// readCopy reads a file whose content is trusted like an answer over TLS. The check is on
// the open file, so what was checked is what is read. O_NONBLOCK: the open of a fifo would
// wait for a writer, for ever.
func readCopy(folder *os.Root, name string) (jwks.Copy, error) {
	var c jwks.Copy
	f, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return c, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return c, withoutPath(err)
	}
	if err := checkCopy(info, os.Geteuid()); err != nil {
		return c, err
	}
	data, err := readBounded(f, "the copy", maxCopy)
	if err != nil {
		return c, err
	}
	if json.Unmarshal(data, &c) != nil || c.URL == "" || c.Body == nil || c.Fetched.IsZero() {
		return jwks.Copy{}, errors.New("it is damaged")
	}
	return c, nil
}

// keep writes a copy down for the next run, in place of the one before. Where that
// cannot be done, as in a container, each run fetches.
func (a *app) keep(c jwks.Copy) {
	folder, err := makeCache()
	if errors.Is(err, errNotOurs) {
		a.warnOfCache(err)
	}
	if err != nil {
		return
	}
	defer folder.Close()
	if data, err := json.Marshal(c); err == nil {
		replaceIn(folder, copyName(c.URL), append(data, '\n'))
	}
}

// warnOfCache says once why this run goes on without a cache.
func (a *app) warnOfCache(err error) {
	a.cacheTold.Do(func() {
		a.say("warning: the cache is not used: %s: make it a folder of this user alone, or set XDG_CACHE_HOME to one", err)
	})
}

func withoutPath(err error) error {
	if bad, ok := errors.AsType[*fs.PathError](err); ok {
		return bad.Err
	}
	return err
}
