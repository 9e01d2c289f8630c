package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/internal/temp"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// maxSeen is the longest file of checkpoints in bytes.
const maxSeen = 1 << 20

// seenPath is the file in which this user remembers the newest generation seen of
// each ring: beside the key file, apart from the ring, so that an attacker who sets the
// ring back does not set this file back with it. For a ring with a passphrase it stands
// where the key file would be, and without a home there is none.
func (a *app) seenPath() (path string, ok bool) {
	place, err := a.kekPlace()
	if err != nil {
		return "", false
	}
	if place.file != "" {
		return place.file + ".seen", true
	}
	path, err = userPath("XDG_CONFIG_HOME", ".config", "kek.seen")
	return path, err == nil
}

// memory returns the memory of the ring at a path, nil where there is no place for it.
func (a *app) memory(ring string) keyring.Memory {
	path, ok := a.seenPath()
	if !ok {
		return nil
	}
	return seenFile{path, absolute(ring)}
}

// seenFile is the memory of one ring, in the file that holds those of all rings.
type seenFile struct{ path, ring string }

// Save does nothing: a run that is refused changes no file, so a run writes down what it
// saw only when it ends well; see remember.
func (seenFile) Save(context.Context, keyring.Checkpoint) error { return nil }

func (s seenFile) Load(context.Context) (keyring.Checkpoint, error) {
	seen, err := readSeen(s.path)
	if err != nil {
		return keyring.Checkpoint{}, &failure{
			err: fmt.Errorf("%s, which remembers the rings that were seen, cannot be used: %w", s.path, err), code: exitKey,
			advice: "remove it to go on without that memory",
		}
	}
	return seen[s.ring], nil
}

// remember writes down what was seen of the ring of this run. It is a help and no
// promise: where the folder cannot be written, as in a container, it does nothing.
func (a *app) remember() {
	if a.opened.ring == nil {
		return
	}
	path, ok := a.seenPath()
	if !ok {
		return
	}
	seen, err := readSeen(path)
	now, ring := a.opened.ring.Checkpoint(), absolute(a.opened.path)
	if err != nil || seen[ring] == now {
		return
	}
	// Another run may have seen a newer generation while this one worked. A ring that was
	// made just now starts from the beginning.
	if seen[ring].Generation >= now.Generation && !a.opened.created {
		return
	}
	texts := map[string]string{ring: now.String()}
	for other, checkpoint := range seen {
		if other != ring {
			texts[other] = checkpoint.String()
		}
	}
	data, err := json.Marshal(texts)
	if err != nil {
		return
	}
	replace(path, append(data, '\n'))
}

// readSeen returns the checkpoints by the path of their ring.
func readSeen(path string) (map[string]keyring.Checkpoint, error) {
	in, err := readRegular(path, maxSeen)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o, err := strict.ParseObject(in.data)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]keyring.Checkpoint, o.Len())
	for ring := range o.All() {
		text, _, err := o.Text(ring)
		if err != nil {
			return nil, err
		}
		if seen[ring], err = keyring.ParseCheckpoint(text); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// replace writes a file in one step. An error leaves the old one.
func replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return replaceIn(folder, filepath.Base(path), data)
}

// newPrefix begins the temporary names of the files that replaceIn writes.
const newPrefix = ".new-"

// replaceIn removes what killed runs left, too.
func replaceIn(folder *os.Root, name string, data []byte) error {
	temp.Sweep(folder, newPrefix)
	f, part, err := temp.Create(folder, newPrefix) // another run may be at it
	if err != nil {
		return err
	}
	defer f.Close() // drops the lock, which keeps other runs from removing the file
	if _, err = f.Write(data); err == nil {
		err = folder.Rename(part, name)
	}
	if err != nil {
		folder.Remove(part)
	}
	return err
}

func (a *app) explainRollback(ring string, err error) error {
	path, ok := a.seenPath()
	if !ok {
		return err
	}
	return &failure{
		err:    fmt.Errorf("%s: %w", ring, err),
		advice: "put the newer ring back; or, to go on with this one, with keys that were destroyed or revoked since, remove " + path,
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
