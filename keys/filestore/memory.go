//go:build unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// maxMemoryWait is how long Save and Accept wait for another writer: a process that is stopped
// while it holds the lock must not hold up the others for long.
const maxMemoryWait = 2 * time.Second

// wOK is W_OK of access(2) in POSIX.
const wOK = 2

var _ keyring.Memory = (*Memory)(nil)

// Memory is a [keyring.Memory] in a file. One file serves many rings, and any number of processes
// at once. The file is written by the same steps as a ring, and must pass the same checks; see the
// package documentation.
//
// An attacker who can set the ring back must not be able to set the Memory back: keep it
// away from the ring, for example beside the file of the KEK, where the command sealjwt has
// it (the path of the KEK file with .seen at the end).
type Memory struct {
	place  string
	stores []*Store
	err    error // the error of CheckPaths; nil if the paths can be used
}

var errNilMemory = fmt.Errorf("%w: the Memory is nil: use filestore.NewMemory", keyring.ErrConfig)

// NewMemory returns the memory of the ring at a place, in the first of the files at paths whose
// folder this process can write, or whose folder can be made. While that file does not exist,
// Load reads another file of paths that exists. NewMemory writes nothing: the first Save makes
// the file with mode 0600, and the folders above it.
//
// The place is the path of the ring's file, whose links are resolved. For another store it is a
// text that no other ring has. It contains ://, as a URL without its password does, or begins
// with postgres:, mysql:, sqlite: or etcd:, as postgres:NAME does. For a file of that name,
// write ./postgres:NAME. To share the file with the command sealjwt-fleet, give the URL that the
// packages keys/sqlstore and keys/etcdstore describe, which "keys check" prints. If [CheckPaths] refuses
// the paths, Load returns the error of CheckPaths, and Save and Accept fail too.
func NewMemory(place string, paths ...string) *Memory {
	m := &Memory{place: place}
	if !isStore(place) {
		m.place, m.err = resolve(absolute(place)), CheckPaths(place, nil, paths...)
	}
	for _, path := range paths {
		if path != "" {
			s := New(path)
			s.what = "the memory of the rings"
			m.stores = append(m.stores, s)
		}
	}
	return m
}

// isStore reports whether a place names another store than a file.
func isStore(place string) bool {
	switch kind, _, _ := strings.Cut(place, ":"); kind {
	case "postgres", "mysql", "sqlite", "etcd":
		return strings.Contains(place, ":")
	}
	return strings.Contains(place, "://")
}

// Path returns the path of the file that Save writes. It is empty if this process can write none
// of the files: then Load reads the first file that exists and can be read, and Save fails.
func (m *Memory) Path() string {
	if m == nil {
		return ""
	}
	if s := m.writable(); s != nil {
		return s.path
	}
	return ""
}

func (m *Memory) writable() *Store {
	for _, s := range m.stores {
		if s.writable() {
			return s
		}
	}
	return nil
}

// Load returns the checkpoints that were seen, as [keyring.Memory] says, or no checkpoint while
// none of the files exists.
//
// It returns [ErrUnsafe] for a file that is not a regular file of this user alone, or too
// large, and [keys.ErrMalformed] for a file that is empty or has another content. Save does not
// replace such a file; only [Memory.Accept] sets it aside. Load returns [fs.ErrPermission] for
// a file that this process cannot read although it may write the folder, and
// [keyring.ErrConfig] for paths that cannot be used.
func (m *Memory) Load(ctx context.Context) (here keyring.Checkpoint, rings []keyring.Checkpoint, err error) {
	if m == nil {
		return keyring.Checkpoint{}, nil, errNilMemory
	}
	d, _, err := m.read(ctx)
	if err != nil {
		return keyring.Checkpoint{}, nil, err
	}
	here, rings = d.checkpoints(m.place)
	return here, rings, nil
}

// Save keeps newest, as [keyring.Memory] says.
//
// It returns [keyring.ErrRollback] when another ring was seen at the place meanwhile,
// [ErrLocked] when another writer kept the lock for two seconds, the errors of Load, and
// the errors of the file system.
func (m *Memory) Save(ctx context.Context, newest keyring.Checkpoint) error {
	return m.change(ctx, false, func(d *seenDocument) (bool, error) { return d.save(m.place, newest) })
}

// Accept records that the ring of the checkpoint now was seen at this place, and that now is
// its newest checkpoint. It does so even if the memory has another ring or a higher generation.
// It is for an operator who has put a backup of the ring back, or another ring in its place:
// open the ring with a [keyring.Config] without a Memory, show the operator its content, and
// accept its checkpoint. The zero Checkpoint says that the place has no ring any more, so that
// a new one can be made there. Accept keeps the records of other rings and other places.
//
// A damaged file is moved aside, to its path with .damaged at the end, and a new one begun.
// A folder is never moved. Accept returns the other errors of Save.
func (m *Memory) Accept(ctx context.Context, now keyring.Checkpoint) error {
	return m.change(ctx, true, func(d *seenDocument) (bool, error) { return d.accept(m.place, now), nil })
}

// change reads the file, calls edit with its content, and writes the content if edit reports a
// change. If another process wrote in between, change begins again. If setAside is true, change
// moves a damaged file aside and begins with an empty content.
func (m *Memory) change(ctx context.Context, setAside bool, edit func(*seenDocument) (changed bool, err error)) error {
	if m == nil {
		return errNilMemory
	}
	s := m.writable()
	if s == nil {
		return errors.New("filestore: there is no folder that this process can write for the memory of the rings")
	}
	ctx, stop := context.WithTimeout(ctx, maxMemoryWait)
	defer stop()
	for {
		d, version, err := m.read(ctx)
		if setAside && isDamage(err) {
			d, err = newSeenDocument(), s.setAside()
		}
		if err != nil {
			return err
		}
		changed, err := edit(d)
		if err != nil || !changed {
			return err
		}
		data, err := d.encode()
		if err != nil {
			return err
		}
		if _, err = s.Swap(ctx, version, data); !errors.Is(err, keyring.ErrConflict) {
			return err
		}
	}
}

// read returns the content of the file that Save writes, or, while that file does not exist, of
// the first other file of the Memory that this process may read. The version is always the version
// of the file that Save writes, and empty while that file does not exist.
func (m *Memory) read(ctx context.Context) (d *seenDocument, version string, err error) {
	if m.err != nil {
		return nil, "", m.err
	}
	w := m.writable()
	if w != nil {
		data, version, err := w.Load(ctx)
		if !errors.Is(err, keyring.ErrNoRing) {
			d, err = w.decode(data, err)
			return d, version, err
		}
	}
	for _, s := range m.stores {
		if info, err := os.Stat(filepath.Dir(s.path)); s == w || err != nil || !info.IsDir() {
			continue
		}
		data, _, err := s.Load(ctx)
		// A file that this process may not read counts as the memory of another user.
		if errors.Is(err, keyring.ErrNoRing) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		d, err = s.decode(data, err)
		return d, "", err
	}
	return newSeenDocument(), "", nil
}

// decode decodes the data that Load returned with err, and names the file in its own error.
func (s *Store) decode(data []byte, err error) (*seenDocument, error) {
	if errors.Is(err, keyring.ErrUnreadable) {
		err = fmt.Errorf("%w: the file is empty", keys.ErrMalformed)
	}
	var d *seenDocument
	if err == nil {
		d, err = decodeSeen(data)
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: %s in %s cannot be used: %w", s.what, s.path, err)
	}
	return d, nil
}

// isDamage reports whether Load refused the file itself, so that it helps to move the file
// aside.
func isDamage(err error) bool {
	return errors.Is(err, ErrUnsafe) || errors.Is(err, keys.ErrMalformed) || errors.Is(err, fs.ErrPermission)
}

// writable reports whether this process may write the folder of the file, or make it.
func (s *Store) writable() bool {
	for dir := filepath.Dir(s.path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && isDescriptors(dir) {
			return false
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return err == nil && info.IsDir() && s.ops.access(dir, wOK) == nil
		}
	}
}
