package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

const (
	// maxPassphrase is the longest passphrase file in bytes.
	maxPassphrase = 4096
	// minPassphrase is the shortest new passphrase in characters. A ring that was made with a
	// shorter passphrase still opens.
	minPassphrase = 8
	// fromStdin stands for standard input where a file with a passphrase is named.
	fromStdin = "-"
)

// readKEK reads the KEK of a document in the form of a ring. what names the document for texts, such
// as "ring". readKEK asks the user for the passphrase if the document has one, no flag and no
// variable names a file with it, and the key file does not open the document or is missing.
func (a *App) readKEK(ctx context.Context, doc []byte, what string) (keyring.KEK, error) {
	place, err := a.kekPlace()
	if err != nil {
		return nil, err
	}
	if place.passphraseFile != "" {
		advice := "give the passphrase of this " + what + " with --passphrase-file F"
		passphrase, err := a.readPassphrase(place.passphraseFile, advice)
		if err != nil {
			return nil, err
		}
		return passphraseKEK(place.passphraseFile, passphrase, advice)
	}
	slots := slotsOf(doc)
	kek, err := keyring.KEKFile(place.file)
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	switch {
	case err == nil && (slots.has(kek.ID()) || !slots.has(passphraseID)):
		return kek, nil
	case missing && slots.has(passphraseID): // also where the file was named: a variable may name one for other rings
	case missing && place.standard:
		return nil, &console.Failure{
			Err:    fmt.Errorf("%w: no key file %s, and this %s has no passphrase", keyring.ErrKEK, place.file, what),
			Advice: "give --kek-file F",
		}
	case err != nil:
		return nil, err
	}
	passphrase, askErr := a.AskPassphrase(ctx, what)
	switch {
	case errors.Is(askErr, console.ErrNoTerminal) && missing:
		return nil, &console.Failure{
			Err:    fmt.Errorf("%w: no key file %s, and %w", keyring.ErrKEK, place.file, askErr),
			Advice: "give --kek-file F or --passphrase-file F",
		}
	case errors.Is(askErr, console.ErrNoTerminal): // keyring.Open then says that the key file does not fit
		return kek, nil
	case askErr != nil:
		return nil, askErr
	}
	defer clear(passphrase)
	return keyring.PassphraseKEK(passphrase)
}

// readPassphrase reads a passphrase from a file or from standard input. A passphrase is key
// material: it loses only the line feed that echo adds.
func (a *App) readPassphrase(path, advice string) ([]byte, error) {
	var data []byte
	var err error
	if path == fromStdin {
		data, err = a.readSecretStdin()
	} else {
		var in console.Input
		in, err = console.ReadSecret(path, maxPassphrase)
		data = in.Data
	}
	switch {
	case errors.Is(err, filestore.ErrUnsafe):
		return nil, fmt.Errorf("%w: %w", keyring.ErrKEK, err)
	case err != nil:
		return nil, &console.Failure{Err: fmt.Errorf("%w: %w", keyring.ErrKEK, err), Advice: advice}
	}
	return bytes.TrimSuffix(data, []byte("\n")), nil
}

// readSecretStdin reads standard input, unless a shell asks for completions: its input belongs
// to the person who types.
func (a *App) readSecretStdin() ([]byte, error) {
	if a.Quiet {
		return nil, console.ErrNoTerminal
	}
	return a.ReadSecretInput(maxPassphrase)
}

func passphraseKEK(from string, passphrase []byte, advice string) (keyring.KEK, error) {
	defer clear(passphrase)
	kek, err := keyring.PassphraseKEK(passphrase)
	if err != nil {
		return nil, &console.Failure{Err: fmt.Errorf("%s: %w", from, err), Advice: advice}
	}
	return kek, nil
}

// newPassphraseFrom reads the passphrase of a slot that is made now.
func (a *App) newPassphraseFrom(path, advice string) (keyring.KEK, error) {
	passphrase, err := a.readPassphrase(path, advice)
	if err != nil {
		return nil, err
	}
	if err := checkNewPassphrase(passphrase); err != nil {
		return nil, err
	}
	return passphraseKEK(path, passphrase, advice)
}

// askNewPassphrase asks twice for the passphrase of a slot that is made now.
func (a *App) askNewPassphrase(ctx context.Context) (keyring.KEK, error) {
	passphrase, err := a.AskNewPassphrase(ctx, checkNewPassphrase)
	if errors.Is(err, console.ErrNoTerminal) {
		return nil, &console.Failure{Err: fmt.Errorf("%w: %w", keyring.ErrKEK, err), Advice: "give it with --passphrase-file F"}
	}
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return keyring.PassphraseKEK(passphrase)
}

// checkNewPassphrase refuses a short passphrase, which a thief of the ring could guess quickly. It
// accepts the empty passphrase, because the library refuses that with an error of its own.
func checkNewPassphrase(passphrase []byte) error {
	if n := utf8.RuneCount(passphrase); n > 0 && n < minPassphrase {
		return &console.Failure{
			Err:    fmt.Errorf("%w: the passphrase has fewer than %d characters", keyring.ErrKEK, minPassphrase),
			Advice: "take a longer one, such as five random words",
		}
	}
	return nil
}

// newKEK reads the KEK for a new slot, or makes the key file if it is missing. It reports in made
// whether it made the file.
func (a *App) newKEK(place kekPlace) (kek keyring.KEK, made bool, err error) {
	if place.passphraseFile != "" {
		kek, err = a.newPassphraseFrom(place.passphraseFile, "name a file with a passphrase")
		return kek, false, err
	}
	// CreateKEKFile is called also when the file exists: a killed run may have left the file
	// without having it written to the disk.
	kek, err = keyring.CreateKEKFile(place.file)
	switch {
	case err == nil:
		return kek, true, nil
	case errors.Is(err, fs.ErrExist):
		kek, err = keyring.KEKFile(place.file)
		return kek, false, err
	}
	switch kek, readErr := keyring.KEKFile(place.file); {
	case readErr != nil && !errors.Is(readErr, fs.ErrNotExist) && !errors.Is(readErr, syscall.ENOTDIR):
		return nil, false, readErr
	case readErr == nil && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)): // such as a mounted secret
		return kek, false, nil
	}
	return nil, false, &console.Failure{Err: err, Code: console.ExitIO, Advice: "name another path with --kek-file"}
}
