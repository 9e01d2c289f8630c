package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// How this run remembers the ring that it saw: the values of health.Memory.
const (
	seenDurable = "durable" // a file has it
	seenProcess = "process" // a file can be read, and not written
	seenNone    = "none"    // there is no file, or none that can be used
)

// seenPaths returns the files that may remember the rings. The first is the file that is named,
// or else the file beside the key file: away from the ring, so that an attacker who sets the
// ring back does not set this file back with it. The second is a file in the state folder, for a
// key file whose folder cannot be written, such as a mounted secret. With a passphrase the first
// file stands where the key file would be.
func (a *App) seenPaths() (paths []string) {
	if a.seenFile != "" {
		return []string{a.seenFile}
	}
	if path := os.Getenv("SEALJWT_SEEN_FILE"); path != "" {
		return []string{path}
	}
	if place, err := a.kekPlace(); err == nil && place.file != "" {
		paths = append(paths, place.file+".seen")
	} else if path, err := console.UserPath("XDG_CONFIG_HOME", ".config", "kek.seen"); err == nil {
		paths = append(paths, path)
	}
	if path, err := console.UserPath("XDG_STATE_HOME", ".local/state", "kek.seen"); err == nil {
		paths = append(paths, path)
	}
	return paths
}

// memory returns the memory of the ring at a path. A rehearsal only reads it.
func (a *App) memory(ring string, rehearsal bool) (*seen, error) {
	if err := a.checkPaths(ring); err != nil {
		return nil, err
	}
	return &seen{filestore.NewMemory(ring, a.seenPaths()...), a, rehearsal}, nil
}

// checkPaths returns an error if two of the files that this run uses would have the same path. The
// paths added are further files that shall open the ring.
func (a *App) checkPaths(ring string, added ...string) error {
	if place, err := a.kekPlace(); err == nil { // otherwise a verb that needs the KEK reports the error
		added = append(added, place.file)
		if place.passphraseFile != fromStdin {
			added = append(added, place.passphraseFile)
		}
	}
	if strings.Contains(ring, "://") {
		ring = "" // it is not a file
	}
	return filestore.CheckPaths(ring, added, a.seenPaths()...)
}

// seen is a memory whose own failures stop no verb: if its file cannot be used or written, the user
// gets one warning. To stop a revocation because of the file would do more harm than a rollback
// that goes unnoticed.
type seen struct {
	*filestore.Memory
	app       *App
	rehearsal bool
}

func (s *seen) Load(ctx context.Context) (here keyring.Checkpoint, rings []keyring.Checkpoint, err error) {
	here, rings, err = s.Memory.Load(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return here, rings, err
	case err != nil:
		remedy := "begin it anew with: " + s.app.again("keys accept")
		if s.Path() == "" {
			remedy = "name another with --seen-file"
		}
		s.app.forgets(seenNone, "%s: a ring that was set back is not noticed: mend the file, or %s", console.Plain(err), remedy)
	case s.Path() == "" && here == (keyring.Checkpoint{}):
		s.app.forgets(seenNone, "%s: a ring that is set back is not noticed: name a file with --seen-file", s.nowhere())
	case s.Path() == "":
		s.app.forgets(seenProcess, "%s: a ring that is set back to its present state is not noticed: name a file with --seen-file", s.nowhere())
	}
	return here, rings, nil
}

func (s *seen) nowhere() string {
	paths := s.app.seenPaths()
	if len(paths) == 0 {
		return "no file remembers which rings were seen, since HOME is not set"
	}
	return "no file remembers which rings were seen, since the folder of " + strings.Join(paths, " and the folder of ") + " cannot be written"
}

func (s *seen) Save(ctx context.Context, newest keyring.Checkpoint) error {
	if s.rehearsal {
		return nil
	}
	err := s.Memory.Save(ctx, newest)
	if err == nil || ctx.Err() != nil || errors.Is(err, keyring.ErrRollback) {
		return err
	}
	s.app.forgets(seenProcess, "%s cannot be written, so a ring that is set back is not noticed: %s", s.Path(), console.Plain(err))
	return nil
}

func (a *App) forgets(how, format string, args ...any) {
	a.forgotten.mu.Lock()
	defer a.forgotten.mu.Unlock()
	if a.forgotten.how == "" {
		a.forgotten.how, a.forgotten.why = how, fmt.Sprintf("warning: "+format, args...)
	}
	if a.forgotten.opened {
		a.forgotten.tell(a)
	}
}

// tellForgotten prints the warning that this run cannot remember the ring, if there is one and it
// was not printed. openStore and createRing call it when the ring is open.
func (a *App) tellForgotten() {
	a.forgotten.mu.Lock()
	defer a.forgotten.mu.Unlock()
	a.forgotten.opened = true
	a.forgotten.tell(a)
}

// tell prints the warning, unless it was printed before. The caller holds the lock.
func (f *forgotten) tell(a *App) {
	if f.how != "" && !f.told {
		f.told = true
		a.Say("%s", f.why)
	}
}

// remembered returns how the ring of this run is remembered.
func (a *App) remembered() string {
	a.forgotten.mu.Lock()
	defer a.forgotten.mu.Unlock()
	return cmp.Or(a.forgotten.how, seenDurable)
}

// noRing returns the error for a store without a ring, and nil if another process has made the ring
// meanwhile. If a ring was seen in the store, the error is a keyring.ErrRollback, so no verb makes
// a new ring there: a volume that is not mounted looks like this.
func (a *App) noRing(ctx context.Context, store keyring.Store, path string, memory keyring.Memory) error {
	kek, err := spareKEK() // keyring.Open needs a KEK, and does not use it for an empty store
	if err != nil {
		return err
	}
	_, err = keyring.Open(ctx, keyring.Config{Store: store, KEK: kek, Memory: memory})
	if errors.Is(err, keyring.ErrUnreadable) { // there is a ring now, which does not open with the random KEK
		return nil
	}
	return a.explainRollback(path, err)
}

// explainRollback adds to an ErrRollback how an operator can accept the ring, although it is not
// the ring that was seen last.
func (a *App) explainRollback(ring string, err error) error {
	if !errors.Is(err, keyring.ErrRollback) {
		return err
	}
	advice := "put the right ring back; or, to go on with this one and keys that were destroyed or revoked since: "
	if errors.Is(err, keyring.ErrNoRing) {
		advice = "or, to begin anew: "
	}
	return &console.Failure{Err: fmt.Errorf("%s: %w", ring, err), Advice: advice + a.again("keys accept")}
}

// isGone reports whether err says that a ring was seen and is gone.
func isGone(err error) bool {
	return errors.Is(err, keyring.ErrRollback) && errors.Is(err, keyring.ErrNoRing)
}

// spareKEK returns a new random KEK, which opens no ring.
func spareKEK() (keyring.KEK, error) {
	key := make([]byte, 32)
	rand.Read(key)
	return keyring.NewKEK(key)
}
