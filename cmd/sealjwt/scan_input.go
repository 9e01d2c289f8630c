package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/sealjwt/sealjwt/seal/leak"
)

// stream opens FILE or standard input for verbs that do not need all of it at once.
func (a *app) stream(args []string) (name string, in io.ReadCloser, err error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(a.stdin) {
			a.say("reading from the terminal: end with Ctrl-D")
		}
		return "-", io.NopCloser(a.stdin), nil
	}
	f, err := openNamed(args[0])
	if err != nil {
		return "", nil, cannotRead(args[0], err)
	}
	return args[0], patient(f, pipeWait), nil
}

// unpack is what shows the text in a compressed file. To call the file clean would be wrong.
var unpack = map[string]string{"gzip": "zcat FILE", "zstd": "zstdcat FILE", "xz": "xzcat FILE", "bzip2": "bzcat FILE", "zip": "unzip -p FILE"}

// cannotScan says why a scan ended.
func cannotScan(name string, err error) error {
	if c, ok := errors.AsType[*leak.CompressedError](err); ok {
		return &failure{err: &compressedFile{name, c}, advice: unpack[c.Format] + " | sealjwt scan"}
	}
	return cannotRead(name, err)
}

// compressedFile is a CompressedError with the name of the file.
type compressedFile struct {
	name  string
	cause *leak.CompressedError
}

func (e *compressedFile) Unwrap() error { return e.cause }
func (e *compressedFile) Error() string {
	return fmt.Sprintf("%s is compressed (%s), and no token could be seen in it", e.name, e.cause.Format)
}
