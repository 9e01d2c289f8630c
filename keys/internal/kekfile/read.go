// Package kekfile reads and writes the file of a key encryption key (KEK). KEKFile and
// CreateKEKFile of package keyring document what this package promises.
package kekfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/access"
)

// Size is the length in bytes of a key.
const Size = 32

// maxRead is the largest number of bytes that Read reads of a file. The longest key has 46 bytes:
// Base64 with padding, and a line ending.
const maxRead = 64

// maxPipeWait is how long Read waits for a pipe. A secret manager behind it may ask a person
// first.
const maxPipeWait = time.Minute

// Read returns the key in a file or a pipe. It returns an error that is fs.ErrNotExist when
// the file does not exist. No error shows a byte of the content.
func Read(path string) ([]byte, error) {
	data, size, err := content(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	key := parse(data)
	if key == nil {
		return nil, fmt.Errorf("%s has %s, and must have exactly %d random bytes or their Base64 form "+
			"(openssl rand -base64 %[3]d makes one)", path, describe(data, size), Size)
	}
	return key, nil
}

// content returns the first maxRead bytes of a file or a pipe, and the size of the file. For a pipe
// size is the number of the bytes that it returns.
func content(path string) (data []byte, size int64, err error) {
	// With O_NONBLOCK the open of a pipe that has no writer does not hang.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	// The Stat of the open file, and not of the path, which may lead to another file by now.
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
		data, err = io.ReadAll(io.LimitReader(f, maxRead))
		return data, max(info.Size(), int64(len(data))), err
	}
	data, err = readPipe(f, maxPipeWait)
	return data, int64(len(data)), err
}

// readPipe reads a pipe to its end, or to maxRead bytes. A process that keeps the pipe
// open and writes nothing must not stop a service that starts.
func readPipe(f *os.File, wait time.Duration) ([]byte, error) {
	f.SetReadDeadline(time.Now().Add(wait)) // without effect where pipes have no deadlines
	data, err := io.ReadAll(io.LimitReader(f, maxRead))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%s is a pipe that no process has closed in %v: end the process that holds it, or give a file", f.Name(), wait)
	case err == nil && len(data) == 0:
		return nil, fmt.Errorf("%s is a pipe and no process has written to it: start the process that writes to it first", f.Name())
	}
	return data, err
}

// describe returns the length and the kind of the content, and none of its bytes.
func describe(data []byte, size int64) string {
	length := fmt.Sprintf("%d bytes", size)
	if size == 1 {
		length = "1 byte"
	}
	switch {
	case len(data) == maxRead && size == maxRead:
		return length + " or more" // a pipe may hold more than was read
	case len(data) > 0 && isText(data):
		return length + " of text"
	}
	return length
}

// parse returns the key in the content of a KEK file, and nil if the content is not a key.
func parse(data []byte) []byte {
	if len(data) == Size {
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
		if err == nil && len(key) == Size && spells(encoding, text, key) {
			return key
		}
		clear(key) // a decoding that failed may have written most of the key
	}
	return nil
}

// spells reports whether text is exactly the spelling of key in this encoding. The decoder
// alone would skip line endings, and take several spellings of the last character.
func spells(encoding *base64.Encoding, text, key []byte) bool {
	again := encoding.AppendEncode(nil, key)
	defer clear(again)
	return bytes.Equal(again, text)
}

// isText reports whether data is printable ASCII, with or without a line ending. Of 6·10^13 random
// keys about one is.
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
