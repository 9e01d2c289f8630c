package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"golang.org/x/term"
)

// errTooLong says that there is more to read than can be of any use.
var errTooLong = errors.New("input too long")

// input is what a verb works on, from FILE or standard input.
type input struct {
	name string // for messages
	data []byte
}

// read reads FILE or, for "-" and without arguments, standard input to its end, as
// plainText reads it.
func (c *Console) read(args []string, most int) (input, error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(c.stdin) {
			c.say("reading from the terminal: end with Ctrl-D")
		}
		data, err := readBounded(c.stdin, "standard input", most)
		return input{name: "standard input", data: data}, err
	}
	return readFile(args[0], most)
}

// readAnyText reads FILE or standard input to its end, in any encoding and with all that is in it,
// but for one line ending at the end.
func (c *Console) readAnyText(args []string, most int) (input, error) {
	name, in, err := c.stream(args)
	if err != nil {
		return input{}, err
	}
	defer in.Close()
	if name == "-" {
		name = "standard input"
	}
	data, err := readBytes(in, name, 2*most+longestFrame) // in UTF-16 it is twice as long
	return input{name: name, data: withoutEnding(data)}, err
}

// readFile reads a text file.
func readFile(path string, most int) (input, error) {
	return readTextIf(path, most, func(*os.File, fs.FileInfo) error { return nil })
}

// readTextIf reads a text file that passes the check.
func readTextIf(path string, most int, check func(*os.File, fs.FileInfo) error) (input, error) {
	in, err := readFileIf(path, most+longestFrame, check)
	if err == nil {
		in.data, err = boundedText(path, in.data, most)
	}
	return in, err
}

// readFileIf reads the bytes of a file that passes the check.
func readFileIf(path string, most int, check func(*os.File, fs.FileInfo) error) (input, error) {
	f, err := openNamed(path)
	if err != nil {
		return input{}, cannotRead(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return input{}, cannotRead(path, err)
	}
	if err := check(f, info); err != nil {
		return input{}, err
	}
	in := input{name: path}
	in.data, err = readBytes(patient(f, pipeWait), path, most)
	return in, err
}

// readBounded reads a text of so many bytes at most.
func readBounded(r io.Reader, name string, most int) ([]byte, error) {
	data, err := readBytes(r, name, most+longestFrame)
	if err != nil {
		return nil, err
	}
	return boundedText(name, data, most)
}

func boundedText(name string, data []byte, most int) ([]byte, error) {
	data, err := plainText(name, data)
	if err == nil && len(data) > most {
		return nil, tooLong(name, most)
	}
	return data, err
}

func readBytes(r io.Reader, name string, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil {
		return nil, cannotRead(name, err)
	}
	if len(data) > most {
		return nil, tooLong(name, most)
	}
	return data, nil
}

func tooLong(name string, most int) error {
	return fmt.Errorf("%s: %w: more than %d bytes", name, errTooLong, most)
}

// cannotRead says it without the system call.
func cannotRead(name string, err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	var advice string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		advice = "check the path"
	case errors.Is(err, fs.ErrPermission):
		advice = "let this user read it, or name another"
	case errors.Is(err, errNoWriter):
		advice = "start the process that writes to it, or name a file"
	case errors.Is(err, errNotRegular):
		advice = "move it away, or name a file"
	}
	return &failure{err: fmt.Errorf("cannot read %s: %w", name, err), advice: advice}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// stream opens FILE or standard input for verbs that do not need all of it at once.
func (c *Console) stream(args []string) (name string, in io.ReadCloser, err error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(c.stdin) {
			c.say("reading from the terminal: end with Ctrl-D")
		}
		return "-", io.NopCloser(c.stdin), nil
	}
	f, err := openNamed(args[0])
	if err != nil {
		return "", nil, cannotRead(args[0], err)
	}
	return args[0], patient(f, pipeWait), nil
}

// readRegular reads a file that the command keeps itself, or reads again and again. Such a
// file is never a pipe.
func readRegular(path string, most int) (input, error) {
	f, err := openNamed(path)
	if err != nil {
		return input{}, cannotRead(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return input{}, cannotRead(path, err)
	}
	data, err := readBounded(f, path, most)
	return input{name: path, data: data}, err
}

// readSecret reads a file that is closed to others, as a key file is. A pipe, as the shell's
// <(…) makes one, will do.
func readSecret(path string, most int) (input, error) {
	return readFileIf(path, most, func(f *os.File, info fs.FileInfo) error {
		if info.Mode().Type()&^fs.ModeNamedPipe != 0 { // a terminal is open to its own group
			return nil
		}
		return filestore.CheckSecret(path, f, info)
	})
}

// maxKeyFile is the longest file with keys in bytes.
const maxKeyFile = 1 << 20
