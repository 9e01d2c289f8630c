package main

import (
	"bytes"
	"fmt"
	"io"
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

// compressed begin the files that hold a text of which nothing can be seen from
// outside. To call them clean would be wrong.
var compressed = []struct{ magic, advice string }{
	{"\x1f\x8b", "zcat FILE | sealjwt scan"},
	{"\x28\xb5\x2f\xfd", "zstdcat FILE | sealjwt scan"},
	{"\xfd7zXZ\x00", "xzcat FILE | sealjwt scan"},
	{"BZh", "bzcat FILE | sealjwt scan"},
	{"PK\x03\x04", "unzip -p FILE | sealjwt scan"},
	{"\xff\xfe", "iconv -f UTF-16 -t UTF-8 FILE | sealjwt scan"},
	{"\xfe\xff", "iconv -f UTF-16 -t UTF-8 FILE | sealjwt scan"},
}

// refuseCompressed looks at the first bytes.
func refuseCompressed(name string, in io.Reader) (io.Reader, error) {
	head := make([]byte, 6)
	n, err := io.ReadFull(in, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, cannotRead(name, err)
	}
	for _, c := range compressed {
		if bytes.HasPrefix(head[:n], []byte(c.magic)) {
			return nil, &failure{err: fmt.Errorf("%s is compressed or in UTF-16, and no token could be seen in it", name), advice: c.advice}
		}
	}
	return io.MultiReader(bytes.NewReader(head[:n]), in), nil
}
