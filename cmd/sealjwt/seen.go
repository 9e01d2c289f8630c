package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// maxSeen is the longest file of marks in bytes.
const maxSeen = 1 << 20

// seenPath is the file in which this user remembers the newest generation seen of
// each ring: beside the key file, apart from the ring, so that who sets the ring
// back does not set this back with it. Who uses a passphrase has it where the key
// file would be, and without a home there is none.
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

func (a *app) lastSeen(ring string) (keys.Mark, error) {
	path, ok := a.seenPath()
	if !ok {
		return keys.Mark{}, nil
	}
	marks, err := readSeen(path)
	if err != nil {
		return keys.Mark{}, &failure{
			err: fmt.Errorf("%s, which remembers the rings that were seen, cannot be used: %w", path, err), code: exitKey,
			advice: "remove it to go on without that memory",
		}
	}
	return marks[absolute(ring)], nil
}

// readSeen returns the marks by the path of their ring.
func readSeen(path string) (map[string]keys.Mark, error) {
	in, err := readFile(path, maxSeen)
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
	marks := make(map[string]keys.Mark, o.Len())
	for ring := range o.All() {
		text, _, err := o.Text(ring)
		if err != nil {
			return nil, err
		}
		if marks[ring], err = keys.ParseMark(text); err != nil {
			return nil, err
		}
	}
	return marks, nil
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
	marks, err := readSeen(path)
	now, ring := a.opened.ring.Seen(), absolute(a.opened.path)
	if err != nil || marks[ring] == now {
		return
	}
	// Another run may have seen a newer generation while this one worked. A ring
	// that was made just now starts from the beginning.
	if marks[ring].Generation >= now.Generation && !a.opened.created {
		return
	}
	texts := map[string]string{ring: now.String()}
	for other, mark := range marks {
		if other != ring {
			texts[other] = mark.String()
		}
	}
	data, err := json.Marshal(texts)
	if err != nil {
		return
	}
	replace(path, append(data, '\n'))
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

func replaceIn(folder *os.Root, name string, data []byte) error {
	part := ".new-" + rand.Text() // another run may be at it
	f, err := folder.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if bad := f.Close(); err == nil {
		err = bad
	}
	if err == nil {
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
