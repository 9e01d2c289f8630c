package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// errTooLong says that there is more to read than can be of any use.
var errTooLong = errors.New("input too long")

// oneInput is the Args of the verbs that take FILE or "-".
func oneInput(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 1:
		return usagef("one FILE at most, and %d are given: see %s --help", len(args), cmd.CommandPath())
	case len(args) == 1 && args[0] == "":
		return usagef("the name of the FILE is empty: leave it out to read standard input")
	case len(args) == 1 && looksLikeToken(args[0]):
		return usagef("a token is no argument, where every process on the machine can read it: pipe it in, or name a file that holds it")
	}
	return nil
}

// noTokens is the Args of the verb that takes any number of paths.
func noTokens(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if err := oneInput(cmd, []string{arg}); err != nil {
			return err
		}
	}
	return nil
}

// noInput is the Args of the verbs that take none.
func noInput(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument: see %[1]s --help", cmd.CommandPath())
	}
	return nil
}

// looksLikeToken: the header of a compact token begins with {" in base64url.
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "eyJ") && (len(s) > 64 || strings.Contains(s, "."))
}

// input is what a verb works on, from FILE or standard input.
type input struct {
	name string // for messages
	data []byte
}

// read reads FILE or, for "-" and without arguments, standard input to its end, as
// plainText reads it.
func (a *app) read(args []string, most int) (input, error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(a.stdin) {
			a.say("reading from the terminal: end with Ctrl-D")
		}
		data, err := readBounded(a.stdin, "standard input", most)
		return input{name: "standard input", data: data}, err
	}
	return readFile(args[0], most)
}

// readAnyText reads FILE or standard input to its end, in any encoding and with all that is in it,
// but for one line ending at the end.
func (a *app) readAnyText(args []string, most int) (input, error) {
	name, in, err := a.stream(args)
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
