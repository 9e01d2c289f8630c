//go:build unix

package keycache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

const copiedURL = "https://id.example.com/jwks"

// newCache returns a cache with the copy of copiedURL, its folder, and the messages of the run.
func newCache(t *testing.T) (cache *Cache, base string, errs *bytes.Buffer) {
	t.Helper()
	base = t.TempDir()
	cache, errs = newRun(base)
	cache.keep(jwks.CacheEntry{URL: copiedURL, Fetched: time.Now(), Body: []byte("good")})
	if got := cache.cached(copiedURL); string(got.Body) != "good" || errs.Len() > 0 {
		t.Fatalf("the copy is %q: %s", got.Body, errs)
	}
	return cache, base, errs
}

// newRun returns the cache of another run of the command, and the messages of that run.
func newRun(base string) (*Cache, *bytes.Buffer) {
	errs := new(bytes.Buffer)
	return New(console.New("sealjwt", nil, nil, errs), filepath.Join(base, "sealjwt", "jwks")), errs
}

// A run that ends later and has an older set does not replace the newer copy.
func TestKeepTheLaterSet(t *testing.T) {
	cache, _, errs := newCache(t)
	at := func(fetched, generated time.Duration, body string) jwks.CacheEntry {
		now := time.Now().Round(0)
		return jwks.CacheEntry{URL: copiedURL, Fetched: now.Add(fetched), Generated: now.Add(generated), Body: []byte(body)}
	}
	for name, c := range map[string]struct {
		before, next jwks.CacheEntry
		stays        bool
	}{
		"older":              {at(0, 0, "x"), at(0, -time.Minute, "y"), true},
		"undated":            {at(0, 0, "x"), jwks.CacheEntry{URL: copiedURL, Fetched: time.Now(), Body: []byte("y")}, true},
		"later":              {at(0, -time.Minute, "x"), at(0, 0, "y"), false},
		"over an undated":    {jwks.CacheEntry{URL: copiedURL, Fetched: time.Now(), Body: []byte("x")}, at(0, 0, "y"), false},
		"the same":           {at(0, 0, "x"), at(0, -time.Minute, "x"), false},
		"of no use any more": {at(-2*time.Hour, 0, "x"), at(0, -time.Minute, "y"), false},
		"from the future":    {at(time.Hour, time.Hour, "x"), at(0, 0, "y"), false},
	} {
		if err := errors.Join(cache.forget(copiedURL), cache.keep(c.before), cache.keep(c.next)); err != nil {
			t.Fatal(err)
		}
		want := c.next
		if c.stays {
			want = c.before
		}
		if got := cache.cached(copiedURL); !got.Generated.Equal(want.Generated) || string(got.Body) != string(want.Body) {
			t.Errorf("%s: the copy is %q of %v: %s", name, got.Body, got.Generated, errs)
		}
	}
}

// A copy that another user could have written does not count as the answer of the URL.
func TestCopyOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(path string) error
		want string
	}{
		"a link to a good file": {func(path string) error {
			good := filepath.Join(filepath.Dir(path), "../../good")
			return errors.Join(os.Rename(path, good), os.Symlink(good, path))
		}, "is passed over"},
		"a folder": {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "it is not a regular file"},
		"a fifo":   {func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }, "it is not a regular file"},
		"read by a group": {func(path string) error { return os.Chmod(path, 0o640) },
			"open to others (mode 0640)"},
		"written by all": {func(path string) error { return os.Chmod(path, 0o602) }, "open to others (mode 0602)"},
		"too long":       {func(path string) error { return os.Truncate(path, maxCopy+2) }, "input too long"},
	} {
		t.Run(name, func(t *testing.T) {
			cache, base, errs := newCache(t)
			if err := c.put(filepath.Join(base, "sealjwt", "jwks", copyName(copiedURL))); err != nil {
				t.Fatal(err)
			}
			if got := cache.cached(copiedURL); got.Body != nil || !strings.Contains(errs.String(), c.want) {
				t.Errorf("the copy is %q: %s", got.Body, errs)
			}
		})
	}
}

// The verb that only writes reports it too.
func TestCacheThatCannotBeKept(t *testing.T) {
	_, base, _ := newCache(t)
	if err := os.Chmod(filepath.Join(base, "sealjwt"), 0o777); err != nil {
		t.Fatal(err)
	}
	cache, errs := newRun(base)
	cache.keep(jwks.CacheEntry{URL: copiedURL})
	if !strings.Contains(errs.String(), "open to others (mode 0777)") {
		t.Errorf("said: %s", errs)
	}
}
