package main

import (
	"bufio"
	"context"
	"errors"
	"io"
)

const (
	// maxKnown is how many tokens are remembered, and maxKnownLength how long they
	// may be: a log repeats the few of the last minutes.
	maxKnown       = 256
	maxKnownLength = 8 << 10
)

// scan is one run through an input.
type scan struct {
	name   string
	report scanReport
	out    *bufio.Writer
	known  map[string]known

	tokens, exposing, tooLong int64
	bytes                     int64
}

// known is a token that was read already.
type known struct {
	what    []byte
	exposes bool
}

func (s *scan) run(ctx context.Context, in io.Reader) error {
	name := s.name
	if name == "-" {
		name = "standard input"
	}
	in, err := refuseCompressed(name, in)
	if err != nil {
		return err
	}
	f := newFinder(flushing{in, s.out}, maxScanned, scanChunk)
	for err == nil {
		var hit found
		if hit, err = f.next(ctx); err == nil {
			err = s.add(hit)
		}
	}
	s.bytes = f.read
	if broken := s.out.Flush(); broken != nil {
		return broken
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return cannotRead(name, err)
}

// flushing writes out what was found before it waits for more: whoever stops it
// has all results, and it can follow a log.
type flushing struct {
	in  io.Reader
	out *bufio.Writer
}

func (f flushing) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	return f.in.Read(p)
}

func (s *scan) add(hit found) error {
	s.out.Write(s.report.at(place{s.name, hit.line, hit.column})) // the writer keeps its error
	if hit.tooLong {
		s.tooLong++
		_, err := s.out.Write(s.report.tooLong())
		return err
	}
	k, err := s.read(hit.token)
	if err != nil {
		return err
	}
	s.tokens++
	if k.exposes {
		s.exposing++
	}
	_, err = s.out.Write(k.what)
	return err
}

// read is what there is to say about a token.
func (s *scan) read(token []byte) (known, error) {
	if k, ok := s.known[string(token)]; ok {
		return k, nil
	}
	list := exposedIn(string(token))
	what, err := s.report.what(list)
	if err != nil {
		return known{}, err
	}
	k := known{what: what}
	for _, e := range list {
		k.exposes = k.exposes || e.findings() > 0
	}
	if len(token) <= maxKnownLength && len(what) <= 4*maxKnownLength {
		if len(s.known) == maxKnown {
			clear(s.known)
		}
		s.known[string(token)] = k
	}
	return k, nil
}

// printWriter is print as a writer.
type printWriter struct{ a *app }

func (w printWriter) Write(b []byte) (int, error) {
	if err := w.a.print(b); err != nil {
		return 0, err
	}
	return len(b), nil
}
