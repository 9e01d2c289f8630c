package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/access"
	"github.com/sealjwt/sealjwt/keys/internal/temp"
)

// maxKEKFile is how many bytes of a KEK file are read. The longest KEK has 46: Base64 with
// padding, and a line ending.
const maxKEKFile = 64

// maxPipeWait is how long KEKFile waits for a pipe. A secret manager behind it may ask a
// person first.
const maxPipeWait = time.Minute

// KEKFile reads a KEK from a file, as [CreateKEKFile] or a secret manager makes it:
//   - exactly 32 random bytes, or
//   - the Base64 form of 32 bytes (RFC 4648 section 4 or 5, with or without padding), and at
//     most one line ending (LF or CRLF) behind it.
//
// KEKFile refuses 32 characters of printable ASCII: openssl rand -hex 16 prints such a text,
// and it has half the strength. To open an older ring whose key file holds such a text, write
// the text in Base64.
//
// The file may be a symbolic link (Kubernetes mounts secrets as links) or a pipe, such as the
// shell's <(…); KEKFile reads at most 64 bytes of a pipe, and waits for them at most a minute
// on Linux. The mode of the file must be 0640 or narrower; on macOS the group must not be
// staff, which has every user. On Linux two more modes pass, because platforms set them:
// group write on a volume with an fsGroup of Kubernetes (owner, group and setgid folder as
// package filestore describes), and mode 0644 or narrower for a file of root on a read-only
// mount.
//
// It returns [ErrKEK], and fs.ErrNotExist beside it when the file does not exist. The text
// says how many bytes the file has, and never their values.
func KEKFile(path string) (KEK, error) {
	data, size, err := readKEKFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	defer clear(data)
	key := parseKEK(data)
	if key == nil {
		return nil, fmt.Errorf("%w: %s has %s, and must have exactly %d random bytes or their Base64 form "+
			"(openssl rand -base64 %[4]d makes one)", ErrKEK, path, contentOf(data, size), rawKeySize)
	}
	defer clear(key)
	return NewKEK(key)
}

// readKEKFile returns the first maxKEKFile bytes and the size of the file.
func readKEKFile(path string) (data []byte, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not hang us
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	// On the open file, not on its name, which may point elsewhere by now.
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.Mode().Type()&^fs.ModeNamedPipe != 0 {
		return nil, 0, fmt.Errorf("%s is neither a file nor a pipe", path)
	}
	if err := access.Check(access.Secret, path, path, f, info); err != nil {
		return nil, 0, err
	}
	if info.Mode().IsRegular() {
		data, err = io.ReadAll(io.LimitReader(f, maxKEKFile))
		return data, max(info.Size(), int64(len(data))), err
	}
	data, err = readPipe(f, maxPipeWait)
	return data, int64(len(data)), err
}

// readPipe reads a pipe to its end, or to maxKEKFile bytes. A process that keeps the pipe
// open and writes nothing must not stop a service that starts.
func readPipe(f *os.File, wait time.Duration) ([]byte, error) {
	f.SetReadDeadline(time.Now().Add(wait)) // on systems that support it for pipes
	data, err := io.ReadAll(io.LimitReader(f, maxKEKFile))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%s is a pipe that no process has closed in %v: end the process that holds it, or give a file", f.Name(), wait)
	case err == nil && len(data) == 0:
		return nil, fmt.Errorf("%s is a pipe and no process has written to it: start the process that writes to it first", f.Name())
	}
	return data, err
}

// contentOf returns the length and the kind of the content, and none of its bytes.
func contentOf(data []byte, size int64) string {
	length := fmt.Sprintf("%d bytes", size)
	if size == 1 {
		length = "1 byte"
	}
	switch {
	case len(data) == maxKEKFile && size == maxKEKFile:
		return length + " or more" // a pipe is not read further
	case len(data) > 0 && isText(data):
		return length + " of text"
	}
	return length
}

// parseKEK returns the key in the content of a KEK file, and nil if it holds none.
func parseKEK(data []byte) []byte {
	if len(data) == rawKeySize {
		if isText(data) {
			return nil
		}
		return bytes.Clone(data) // never trimmed: the last byte may be a line feed by chance
	}
	text := dropLineEnding(data)
	for _, encoding := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		key, err := encoding.AppendDecode(nil, text)
		// The decoder skips line endings and takes several spellings of the last character.
		if err == nil && len(key) == rawKeySize && bytes.Equal(encoding.AppendEncode(nil, key), text) {
			return key
		}
	}
	return nil
}

// isText reports whether data is printable ASCII, with or without a line ending. Of random
// keys one in 10^13 is.
func isText(data []byte) bool {
	for _, c := range dropLineEnding(data) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func dropLineEnding(data []byte) []byte {
	if line, ok := bytes.CutSuffix(data, []byte("\n")); ok {
		return bytes.TrimSuffix(line, []byte("\r"))
	}
	return data
}

// CreateKEKFile writes 32 random bytes to a new file of mode 0600, making its folder if
// need be, and returns them as a KEK. The KEK that it returns is on the disk.
//
// CreateKEKFile never replaces a file. It returns [ErrKEK], and fs.ErrExist beside it when
// there is a file. Of several processes that call it at once for one path, one makes the
// file, and the others read that one with [KEKFile].
//
// CreateKEKFile removes what an earlier call left that was killed. A file whose folder that
// call did not sync, or could not sync, is on the disk when CreateKEKFile returns
// fs.ErrExist.
func CreateKEKFile(path string) (KEK, error) {
	return createKEKFile(path, temp.SyncFolder)
}

func createKEKFile(path string, sync func(*os.Root) error) (KEK, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: the path of the key file is empty", ErrKEK)
	}
	key, err := drawKEK(rand.Reader)
	if err == nil {
		err = writeKEKFile(path, key, sync)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	return NewKEK(key)
}

// drawKEK draws again what KEKFile would take for a text.
func drawKEK(random io.Reader) ([]byte, error) {
	key := make([]byte, rawKeySize)
	for {
		if _, err := io.ReadFull(random, key); err != nil || !isText(key) {
			return key, err
		}
	}
}

func writeKEKFile(path string, key []byte, sync func(*os.Root) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	name := filepath.Base(path)
	if err := temp.Finish(folder, name, temp.KEKPrefix, sync); err != nil {
		return fmt.Errorf("%s is not on the disk for certain: %w", path, err)
	}
	temp.Sweep(folder, temp.KEKPrefix)
	if _, err := folder.Lstat(name); err == nil {
		return existsError(path)
	}
	f, part, err := temp.Create(folder, temp.KEKPrefix)
	if err != nil {
		return err
	}
	defer f.Close() // drops the lock, which keeps other processes from removing the file
	if _, err = f.Write(key); err == nil {
		err = f.Sync()
	}
	// A link appears with all its bytes or not at all, and never replaces a file: a
	// process that starts beside us reads no half-written key.
	if err == nil {
		err = folder.Link(part, name)
	}
	if err != nil {
		folder.Remove(part)
		if errors.Is(err, fs.ErrExist) {
			err = existsError(path)
		}
		return err
	}
	// The file stays if this fails: another process may have read it by now, and encrypt a
	// ring under it. Its second name tells the next process that it may not be on the disk.
	if err := sync(folder); err != nil {
		return fmt.Errorf("%s is not on the disk for certain: %w", path, err)
	}
	return folder.Remove(part)
}

func existsError(path string) error {
	return fmt.Errorf("there is a key file already, %s: %w", path, fs.ErrExist)
}
