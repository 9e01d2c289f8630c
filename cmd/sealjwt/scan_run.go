package main

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/sealjwt/sealjwt/seal/leak"
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

	tokens, exposing, limited int64
	bytes                     int64
}

// known is a token that was read already.
type known struct {
	what             []byte
	exposes, limited bool
}

func (s *scan) run(ctx context.Context, in io.Reader) error {
	name := s.name
	if name == "-" {
		name = "standard input"
	}
	f := leak.NewFinder(flushing{in, s.out})
	var err error
	for err == nil {
		var hit leak.Sighting
		if hit, err = f.Next(ctx); err == nil {
			err = s.add(hit)
		}
	}
	s.bytes = f.Read()
	if broken := s.out.Flush(); broken != nil {
		return broken
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return cannotScan(name, err)
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

func (s *scan) add(hit leak.Sighting) error {
	s.out.Write(s.report.at(place{s.name, hit.Line, hit.Column})) // the writer keeps its error
	if hit.Limit != "" {
		s.limited++
		_, err := s.out.Write(s.report.limit(hit.Limit))
		return err
	}
	k, err := s.read(hit.Token)
	if err != nil {
		return err
	}
	s.tokens++
	if k.exposes {
		s.exposing++
	}
	if k.limited {
		s.limited++
	}
	_, err = s.out.Write(k.what)
	return err
}

// read is what there is to say about a token.
func (s *scan) read(token string) (known, error) {
	if k, ok := s.known[token]; ok {
		return k, nil
	}
	u, err := leak.Read(token)
	if err != nil {
		return known{}, err
	}
	what, err := s.report.what(u)
	if err != nil {
		return known{}, err
	}
	k := known{what: what, exposes: u.Personal() > 0, limited: len(u.Limits) > 0}
	if len(token) <= maxKnownLength && len(what) <= 4*maxKnownLength {
		if len(s.known) == maxKnown {
			clear(s.known)
		}
		s.known[token] = k
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
