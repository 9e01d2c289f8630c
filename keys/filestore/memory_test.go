//go:build unix

package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// rings holds some rings under one KEK and with one memory.
type rings struct {
	t            *testing.T
	dir, memory  string
	blobs, paths map[string]string
}

func newRings(t *testing.T, names ...string) *rings {
	t.Helper()
	dir := t.TempDir()
	r := &rings{t, dir, filepath.Join(dir, "kek.seen"), map[string]string{}, map[string]string{}}
	for _, name := range names {
		r.paths[name] = filepath.Join(dir, name, "ring")
		_, err := keyring.Create(t.Context(), r.config(r.paths[name]))
		must(t, err)
	}
	return r
}

func (r *rings) config(path string) keyring.Config {
	return keyring.Config{Store: New(path), KEK: testKEK(), Memory: NewMemory(path, r.memory)}
}

// change keeps the present blob of a ring and writes one more generation.
func (r *rings) change(name string) {
	r.t.Helper()
	r.blobs[name] = r.read(r.paths[name])
	ring, err := keyring.Open(r.t.Context(), r.config(r.paths[name]))
	must(r.t, err)
	must(r.t, ring.UpdatePolicy(r.t.Context(), func(*keyring.Policy) {}))
}

func (r *rings) read(path string) string {
	r.t.Helper()
	data, err := os.ReadFile(path)
	must(r.t, err)
	return string(data)
}

func (r *rings) write(path, data string) {
	r.t.Helper()
	must(r.t, os.WriteFile(path, []byte(data), 0o600))
}

// wantOpen opens the ring at a path, and wants this error.
func (r *rings) wantOpen(path string, want error) {
	r.t.Helper()
	if _, err := keyring.Open(r.t.Context(), r.config(path)); !errors.Is(err, want) {
		r.t.Errorf("%s: error %v, want %v", path, err, want)
	}
}

// An attacker swaps the files of two rings that open with one KEK.
func TestMemoryRefusesSwappedRings(t *testing.T) {
	r := newRings(t, "a", "b")
	r.change("a")
	a, b := r.read(r.paths["a"]), r.read(r.paths["b"])
	r.write(r.paths["a"], b)
	r.write(r.paths["b"], a)
	r.wantOpen(r.paths["a"], keyring.ErrRollback)
	r.wantOpen(r.paths["b"], keyring.ErrRollback)
	r.write(r.paths["a"], a)
	r.write(r.paths["b"], b)
	r.wantOpen(r.paths["a"], nil)
	r.wantOpen(r.paths["b"], nil)
}

// The memory knows a ring by its identity. Neither another path nor a link hides that a ring is
// older.
func TestMemoryKnowsARingAtAnyPlace(t *testing.T) {
	r := newRings(t, "a")
	r.change("a")
	link := filepath.Join(r.dir, "link")
	must(t, os.Symlink("a", link))
	r.wantOpen(filepath.Join(link, "ring"), nil)
	r.write(r.paths["a"], r.blobs["a"])
	r.wantOpen(filepath.Join(link, "ring"), keyring.ErrRollback)

	moved := filepath.Join(r.dir, "moved")
	must(t, os.Rename(filepath.Join(r.dir, "a"), moved))
	r.wantOpen(filepath.Join(moved, "ring"), keyring.ErrRollback)
	// The link is broken now, like the link to a volume that is not mounted.
	r.wantOpen(filepath.Join(link, "ring"), keyring.ErrRollback)
	_, err := keyring.Create(t.Context(), r.config(filepath.Join(link, "ring")))
	if !errors.Is(err, keyring.ErrRollback) || !errors.Is(err, keyring.ErrNoRing) {
		t.Errorf("Create: %v, want a ring that is gone", err)
	}
}

// Two rings are set back, and an operator accepts one of them.
func TestAcceptTakesOneRing(t *testing.T) {
	r := newRings(t, "a", "b", "c")
	for _, name := range []string{"a", "b"} {
		r.change(name)
		r.write(r.paths[name], r.blobs[name])
	}
	accept := func(name string) {
		t.Helper()
		cfg := r.config(r.paths[name])
		cfg.Memory = nil
		ring, err := keyring.Open(t.Context(), cfg)
		must(t, err)
		must(t, NewMemory(r.paths[name], r.memory).Accept(t.Context(), ring.Checkpoint()))
	}
	accept("a")
	r.wantOpen(r.paths["a"], nil)
	r.wantOpen(r.paths["b"], keyring.ErrRollback)

	// Another ring takes the place of c, and then there is none.
	c := r.read(r.paths["c"])
	r.write(r.paths["c"], r.read(r.paths["a"]))
	r.wantOpen(r.paths["c"], keyring.ErrRollback)
	accept("c")
	r.wantOpen(r.paths["c"], nil)
	must(t, os.Remove(r.paths["c"]))
	r.wantOpen(r.paths["c"], keyring.ErrRollback)
	must(t, NewMemory(r.paths["c"], r.memory).Accept(t.Context(), keyring.Checkpoint{}))
	r.wantOpen(r.paths["c"], keyring.ErrNoRing)
	_, err := keyring.Create(t.Context(), r.config(r.paths["c"]))
	must(t, err)
	r.write(r.paths["c"], c)
	r.wantOpen(r.paths["c"], keyring.ErrRollback)
	r.wantOpen(r.paths["a"], nil)
	r.wantOpen(r.paths["b"], keyring.ErrRollback)
}

// A file that is not a memory is reported. It stays until an operator accepts a ring.
func TestMemoryDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(path string) error
		want   error
	}{
		"empty":        {func(path string) error { return os.Truncate(path, 0) }, keys.ErrMalformed},
		"cut":          {func(path string) error { return os.Truncate(path, 10) }, keys.ErrMalformed},
		"foreign":      {func(path string) error { return os.WriteFile(path, []byte(`{"sub":"u-42"}`), 0o600) }, keys.ErrMalformed},
		"no members":   {func(path string) error { return os.WriteFile(path, []byte(`{}`), 0o600) }, keys.ErrMalformed},
		"next version": {func(path string) error { return os.WriteFile(path, []byte(`{"v":3,"places":{},"rings":{}}`), 0o600) }, keys.ErrMalformed},
		"null": {func(path string) error {
			return os.WriteFile(path, []byte(`{"v":2,"places":null,"rings":null}`), 0o600)
		}, keys.ErrMalformed},
		"unknown ring": {func(path string) error {
			return os.WriteFile(path, []byte(`{"v":2,"places":{"/a":"x"},"rings":{}}`), 0o600)
		}, keys.ErrMalformed},
		"no nonce": {func(path string) error {
			return os.WriteFile(path, []byte(`{"v":2,"places":{},"rings":{"x":"1"}}`), 0o600)
		}, keys.ErrMalformed},
		"huge":        {func(path string) error { return os.Truncate(path, 1<<40) }, ErrUnsafe},
		"open to all": {func(path string) error { return os.Chmod(path, 0o666) }, ErrUnsafe},
		"a FIFO":      {func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }, ErrUnsafe},
		"a folder":    {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, ErrUnsafe},
		"a link":      {func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/zero", path)) }, ErrUnsafe},
		"a FIFO locks": {func(path string) error {
			return errors.Join(os.Truncate(path, 0), os.Remove(path+".lock"), syscall.Mkfifo(path+".lock", 0o600))
		}, keys.ErrMalformed},
		"a dead socket": {func(path string) error {
			return errors.Join(os.Remove(path), syscall.Mknod(path, syscall.S_IFSOCK|0o600, 0))
		}, ErrUnsafe},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRings(t, "a")
			if err := c.damage(r.memory); err != nil {
				t.Skip(err)
			}
			before, err := os.Lstat(r.memory)
			must(t, err)
			m := NewMemory(r.paths["a"], r.memory)
			seen := keyring.Checkpoint{Generation: 9, Nonce: "nonce", Ring: "identity"}
			if _, _, err := m.Load(t.Context()); !errors.Is(err, c.want) || !strings.Contains(err.Error(), r.memory) {
				t.Errorf("Load: %v, want %v with the path", err, c.want)
			}
			if err := m.Save(t.Context(), seen); !errors.Is(err, c.want) {
				t.Errorf("Save: %v, want %v", err, c.want)
			}
			if after, err := os.Lstat(r.memory); err != nil || !os.SameFile(before, after) {
				t.Errorf("the file was replaced (%v)", err)
			}
			if name == "a FIFO locks" || name == "a folder" { // other programs may have files there
				if err := m.Accept(t.Context(), seen); !errors.Is(err, ErrUnsafe) {
					t.Errorf("Accept: %v, want ErrUnsafe", err)
				}
				return
			}
			must(t, m.Accept(t.Context(), seen))
			if here, _, err := m.Load(t.Context()); here != seen || err != nil {
				t.Errorf("Load: %v, %v; want %v", here, err, seen)
			}
			if aside, err := os.Lstat(r.memory + ".damaged"); err != nil || !os.SameFile(before, aside) {
				t.Errorf("the damaged file was not kept: %v", err)
			}
		})
	}
}

// Save syncs the new file before it replaces the old one, and syncs the folder before it returns.
func TestMemoryIsDurable(t *testing.T) {
	r := newRings(t, "a")
	before := r.read(r.memory)
	m := NewMemory(r.paths["a"], r.memory)
	here, _, err := m.Load(t.Context())
	must(t, err)
	here.Generation++
	m.stores[0].ops.sync = func(*os.File) error { return errDisk }
	if err := m.Save(t.Context(), here); !errors.Is(err, errDisk) || r.read(r.memory) != before {
		t.Errorf("the file cannot be synced: %v, and it became %s", err, r.read(r.memory))
	}
	m.stores[0].ops = osOps
	m.stores[0].ops.syncDir = func(*os.File) error { return errDisk }
	if err := m.Save(t.Context(), here); !errors.Is(err, errDisk) {
		t.Errorf("the folder cannot be synced: %v", err)
	}
	wantFiles(t, r.dir, "a", "kek.seen", "kek.seen.lock")
}

// The first version of the file was an object of paths and checkpoints.
func TestMemoryOfTheFirstVersion(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek.seen")
	must(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	must(t, os.Symlink("real", filepath.Join(dir, "link")))
	dir, err := filepath.EvalSymlinks(dir)
	must(t, err)
	text := strings.ReplaceAll(`{"DIR/a/ring":"7:abc","DIR/link/ring":"ID/3:x","DIR/real/ring":"ID/5:y","DIR/old/ring":"ID/4:z"}`, "DIR", dir)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	for place, want := range map[string]keyring.Checkpoint{
		"a/ring":    {Generation: 7, Nonce: "abc"},
		"real/ring": {Generation: 5, Nonce: "y", Ring: "ID"},
		"link/ring": {Generation: 5, Nonce: "y", Ring: "ID"},
		"old/ring":  {Generation: 5, Nonce: "y", Ring: "ID"},
		"new/ring":  {},
	} {
		here, rings, err := NewMemory(filepath.Join(dir, place), path).Load(t.Context())
		if here != want || len(rings) != 1 || err != nil {
			t.Errorf("%s: %v, %v, %v; want %v", place, here, rings, err, want)
		}
	}
	m := NewMemory(filepath.Join(dir, "a/ring"), path)
	now := keyring.Checkpoint{Generation: 8, Nonce: "def", Ring: "ID2"}
	must(t, m.Save(t.Context(), now))
	data, err := os.ReadFile(path)
	must(t, err)
	if here, rings, err := m.Load(t.Context()); here != now || len(rings) != 2 || err != nil || !bytes.HasPrefix(data, []byte(`{"v":2,`)) {
		t.Errorf("after a Save: %v, %v, %v, and the file is %s", here, rings, err, data)
	}
}

// A checkpoint has one spelling in the file, and every other text is refused.
func TestCheckpointTexts(t *testing.T) {
	for text, want := range map[string]keyring.Checkpoint{
		"1:abc":                          {Generation: 1, Nonce: "abc"},
		"7:a:b":                          {Generation: 7, Nonce: "a:b"},
		"Zm9v/18446744073709551615:A-_9": {Generation: 1<<64 - 1, Nonce: "A-_9", Ring: "Zm9v"},
	} {
		if got := parseFirst(text); got != want {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
		if identity, _, named := strings.Cut(text, "/"); named && text != identity+"/"+pair(want) || !named && text != pair(want) {
			t.Errorf("%q is written as %q", text, pair(want))
		}
	}
	for _, text := range []string{
		"", ":", "1", "1:", ":abc", "x:abc", "-1:abc", "+1:abc", " 1:abc", "18446744073709551616:abc", "1.0:abc", "0x1:abc",
		"/1:abc", "a/", "a/1", "a/b/1:abc", "1:abc/d", "a/1:abc/d",
	} {
		if got := parseFirst(text); got != (keyring.Checkpoint{}) {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	for _, text := range []string{"", "1:", ":abc", "a/1:abc", "/1:abc", "1:abc/d"} {
		if got := parsePair(text, "identity"); got != (keyring.Checkpoint{}) {
			t.Errorf("%q is read as the pair %+v", text, got)
		}
	}
}

// If a folder cannot be written, the memory goes to the next path, with its contents.
func TestMemoryGoesWhereItCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "etc", "kek.seen"), filepath.Join(dir, "state", "sealjwt", "kek.seen")
	seen := keyring.Checkpoint{Generation: 3, Nonce: "nonce", Ring: "identity"}
	must(t, NewMemory("mem://a", first).Save(t.Context(), seen))
	readOnly := func(paths ...string) *Memory {
		m := NewMemory("mem://a", paths...)
		m.stores[0].ops.access = func(string, uint32) error { return syscall.EROFS }
		return m
	}
	wantHere := func(m *Memory, path string) {
		t.Helper()
		if here, _, err := m.Load(t.Context()); here != seen || err != nil || m.Path() != path {
			t.Errorf("%v, %v and the path %q, want %v and %q", here, err, m.Path(), seen, path)
		}
	}
	alone := readOnly(first)
	wantHere(alone, "")
	if err := alone.Save(t.Context(), seen); err == nil {
		t.Error("Save without a folder succeeds")
	}
	both := readOnly(first, second)
	wantHere(both, second)
	if _, err := os.Stat(second); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a look makes the file: %v", err)
	}
	seen.Generation++
	must(t, both.Save(t.Context(), seen))
	wantHere(both, second)
	wantHere(NewMemory("mem://a", second), second)
	wantModes(t, dir, map[string]fs.FileMode{"state": 0o700, "state/sealjwt": 0o700, "state/sealjwt/kek.seen": 0o600})
	if m := NewMemory("mem://a"); m.Path() != "" || m.Save(t.Context(), seen) == nil {
		t.Error("a memory without paths saves")
	}
}

// A memory has room for every ring of a host. If it is full its error says so.
func TestMemoryFull(t *testing.T) {
	d := newSeenDocument()
	d.Rings = maps.Collect(func(yield func(string, string) bool) {
		for i := range 40_000 {
			yield(fmt.Sprintf("%022d", i), "1234567:"+strings.Repeat("n", 22))
		}
	})
	if _, err := d.encode(); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error %v, want that the memory is full", err)
	}
	for _, identity := range slices.Sorted(maps.Keys(d.Rings))[10_000:] {
		delete(d.Rings, identity)
	}
	data, err := d.encode()
	must(t, err)
	_, err = decodeSeen(data)
	must(t, err)
}

// The name of a place in a store means the same in every working directory, and is not a file.
func TestMemoryOfStores(t *testing.T) {
	for _, c := range []struct {
		place string
		store bool
	}{
		{"postgres:idp", true}, {"mysql:idp", true}, {"sqlite:idp", true}, {"etcd:idp", true}, {"postgres://db.example.com/a/idp", true}, {"s3://a/idp", true},
		{"ring", false}, {"postgres", false}, {"./postgres:idp", false}, {"/var/lib/postgres:idp", false}, {"redis:idp", false}, {"", false},
	} {
		path := filepath.Join(t.TempDir(), "seen")
		t.Chdir(t.TempDir())
		must(t, NewMemory(c.place, path).Save(t.Context(), seenCheckpoint(3, "idp")))
		t.Chdir(t.TempDir())
		here, _, err := NewMemory(c.place, path).Load(t.Context())
		if known := here.Ring == "idp"; err != nil || known != (c.store || strings.HasPrefix(c.place, "/")) && c.place != "" {
			t.Errorf("%q: %v, %v", c.place, here, err)
		}
	}
	path := filepath.Join(t.TempDir(), "seen")
	must(t, NewMemory("postgres:a", path).Save(t.Context(), seenCheckpoint(3, "a")))
	must(t, NewMemory("postgres:b", path).Save(t.Context(), seenCheckpoint(3, "b")))
	if err := NewMemory("postgres:b", path).Save(t.Context(), seenCheckpoint(4, "a")); !errors.Is(err, keyring.ErrRollback) {
		t.Errorf("two rows that were exchanged: %v", err)
	}
}
