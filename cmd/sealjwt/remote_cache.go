package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealjwt/sealjwt/keys/jwks"
)

// maxCopy is the longest file of the cache in bytes: a set, in base64.
const maxCopy = 2 * jwks.DefaultMaxBytes

// cachePath is where the copy of the JWK Set at a URL is. Without a home there is none.
func cachePath(url string) (path string, ok bool) {
	sum := sha256.Sum256([]byte(url))
	path, err := userPath("XDG_CACHE_HOME", ".cache", filepath.Join("jwks", hex.EncodeToString(sum[:])+".json"))
	return path, err == nil
}

// cached is the copy that an earlier run has kept, or none. It is a help and no promise:
// one that cannot be used is said and passed over, and soon replaced.
func (a *app) cached(url string) jwks.Copy {
	path, ok := cachePath(url)
	if !ok {
		return jwks.Copy{}
	}
	c, err := readCopy(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.say("warning: the cache file %s is passed over: %s", path, plain(err.Error()))
	}
	if err != nil {
		return jwks.Copy{}
	}
	return c
}

func readCopy(path string) (jwks.Copy, error) {
	var c jwks.Copy
	if err := checkOurs(path); err != nil {
		return c, err
	}
	in, err := readFile(path, maxCopy)
	if err != nil {
		return c, err
	}
	if json.Unmarshal(in.data, &c) != nil || c.URL == "" || c.Body == nil || c.Fetched.IsZero() {
		return jwks.Copy{}, errors.New("it is damaged")
	}
	return c, nil
}

// checkOurs refuses a file that somebody else could have written: what it holds is
// trusted like an answer over TLS.
func checkOurs(path string) error {
	info, err := os.Lstat(path)
	if bad, ok := errors.AsType[*os.PathError](err); ok {
		return bad.Err
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return errors.New("it is no file")
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can change it (mode %04o)", info.Mode().Perm())
	case ok && int(owner.Uid) != os.Geteuid():
		return errors.New("it is somebody else's")
	}
	return nil
}

// keep writes a copy down for the next run, in place of the one before. Where that
// cannot be done, as in a container, each run fetches.
func keep(c jwks.Copy) {
	path, ok := cachePath(c.URL)
	if !ok {
		return
	}
	if data, err := json.Marshal(c); err == nil {
		replace(path, append(data, '\n'))
	}
}
