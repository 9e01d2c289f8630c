package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"golang.org/x/term"
)

// ErrTooLong is the error for an input that is longer than its reader accepts.
var ErrTooLong = errors.New("input too long")

// Input is the content of a file or of standard input.
type Input struct {
	Name string // for messages
	Data []byte
}

// Read reads FILE to its end, or standard input for "-" or without an argument, and returns it as
// PlainText does. An input of more than most bytes is an error.
func (c *Console) Read(args []string, most int) (Input, error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(c.Stdin) {
			c.Say("reading from the terminal: end with Ctrl-D")
		}
		data, err := ReadBounded(c.Stdin, "standard input", most)
		return Input{Name: "standard input", Data: data}, err
	}
	return ReadFile(args[0], most)
}

// ReadAnyText reads FILE or standard input to its end, in any encoding. It removes nothing except
// one line ending at the end. A text in UTF-16 has two bytes for a character, so ReadAnyText
// returns ErrTooLong only for more than 2*most bytes.
func (c *Console) ReadAnyText(args []string, most int) (Input, error) {
	name, in, err := c.Stream(args)
	if err != nil {
		return Input{}, err
	}
	defer in.Close()
	if name == "-" {
		name = "standard input"
	}
	data, err := readBytes(in, name, 2*most+longestFrame)
	return Input{Name: name, Data: WithoutEnding(data)}, err
}

// ReadFile reads a text file, and returns it as PlainText does. It returns ErrTooLong for a text of
// more than most bytes.
func ReadFile(path string, most int) (Input, error) {
	return ReadTextIf(path, most, func(*os.File, fs.FileInfo) error { return nil })
}

// ReadTextIf reads a text file as ReadFile does. If the function check returns an error for the
// opened file, ReadTextIf does not read the file and returns that error.
func ReadTextIf(path string, most int, check func(*os.File, fs.FileInfo) error) (Input, error) {
	in, err := readFileIf(path, most+longestFrame, check)
	if err == nil {
		in.Data, err = boundedText(path, in.Data, most)
	}
	return in, err
}

// readFileIf reads the bytes of a file, unless the function check returns an error for the file.
func readFileIf(path string, most int, check func(*os.File, fs.FileInfo) error) (Input, error) {
	f, err := OpenNamed(path)
	if err != nil {
		return Input{}, CannotRead(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Input{}, CannotRead(path, err)
	}
	if err := check(f, info); err != nil {
		return Input{}, err
	}
	in := Input{Name: path}
	in.Data, err = readBytes(patient(f, pipeWait), path, most)
	return in, err
}

// ReadBounded reads a text to its end, and returns it as PlainText does. It returns ErrTooLong for
// a text of more than most bytes. The name is for messages.
func ReadBounded(r io.Reader, name string, most int) ([]byte, error) {
	data, err := readBytes(r, name, most+longestFrame)
	if err != nil {
		return nil, err
	}
	return boundedText(name, data, most)
}

func boundedText(name string, data []byte, most int) ([]byte, error) {
	data, err := PlainText(name, data)
	if err == nil && len(data) > most {
		return nil, tooLong(name, most)
	}
	return data, err
}

func readBytes(r io.Reader, name string, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil {
		return nil, CannotRead(name, err)
	}
	if len(data) > most {
		return nil, tooLong(name, most)
	}
	return data, nil
}

func tooLong(name string, most int) error {
	return fmt.Errorf("%s: %w: more than %d bytes", name, ErrTooLong, most)
}

// CannotRead returns the error of a failed read for the user: with advice, and without the name of
// the system call.
func CannotRead(name string, err error) error {
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
	case errors.Is(err, ErrNotRegular):
		advice = "move it away, or name a file"
	}
	return &Failure{Err: fmt.Errorf("cannot read %s: %w", name, err), Advice: advice}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Stream opens FILE or standard input for verbs that do not need all of it at once. The name of
// standard input is "-".
func (c *Console) Stream(args []string) (name string, in io.ReadCloser, err error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(c.Stdin) {
			c.Say("reading from the terminal: end with Ctrl-D")
		}
		return "-", io.NopCloser(c.Stdin), nil
	}
	f, err := OpenNamed(args[0])
	if err != nil {
		return "", nil, CannotRead(args[0], err)
	}
	return args[0], patient(f, pipeWait), nil
}

// ReadRegular reads a regular file and refuses a pipe. It is for files that the command reads again
// and again, such as the certificate of a server.
func ReadRegular(path string, most int) (Input, error) {
	f, err := OpenNamed(path)
	if err != nil {
		return Input{}, CannotRead(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		return Input{}, CannotRead(path, err)
	}
	data, err := ReadBounded(f, path, most)
	return Input{Name: path, Data: data}, err
}

// ReadSecret reads a file with a secret. It refuses a terminal, and a regular file or a pipe that
// other users may read. It accepts a pipe that the shell made for <(…).
func ReadSecret(path string, most int) (Input, error) {
	return readFileIf(path, most, func(f *os.File, info fs.FileInfo) error {
		if isTerminal(f) {
			return errShows
		}
		if info.Mode().Type()&^fs.ModeNamedPipe != 0 { // such as /dev/null
			return nil
		}
		return filestore.CheckSecret(path, f, info)
	})
}

// errShows is the error for a terminal in the place of a file with a secret. Only the prompts of
// this package read from a terminal without showing what is typed.
var errShows = errors.New("it is a terminal, which shows each character that is typed")

// ReadSecretInput reads the bytes of standard input. It refuses a terminal, which would show the
// secret.
func (c *Console) ReadSecretInput(most int) ([]byte, error) {
	if isTerminal(c.Stdin) {
		return nil, fmt.Errorf("standard input: %w", errShows)
	}
	return readBytes(c.Stdin, "standard input", most)
}

// MaxKeyFile is the longest file with keys in bytes.
const MaxKeyFile = 1 << 20

var ByteOrderMark = []byte("\uFEFF")

// ErrUTF16 says that a text is in UTF-16, as Windows PowerShell writes files with >.
var ErrUTF16 = errors.New("it is text in UTF-16")

// longestFrame is how many bytes PlainText removes at most: a byte order mark, and CRLF.
const longestFrame = len("\uFEFF") + len("\r\n")

// PlainText returns a text without the byte order mark at its start, which RFC 8259 section 8.1
// allows a reader to ignore, and without the line ending at its end, which editors and echo add.
// It removes nothing else, and refuses text in UTF-16.
func PlainText(name string, data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		return nil, &Failure{
			Err: fmt.Errorf("%s: %w", name, ErrUTF16), Code: ExitUsage,
			Advice: "save it as UTF-8; in PowerShell, with: Out-File -Encoding utf8",
		}
	}
	return WithoutEnding(bytes.TrimPrefix(data, ByteOrderMark)), nil
}

// WithoutEnding returns a text without one line ending, LF or CRLF, at its end.
func WithoutEnding(line []byte) []byte {
	if before, ended := bytes.CutSuffix(line, []byte("\n")); ended {
		return bytes.TrimSuffix(before, []byte("\r"))
	}
	return line
}
