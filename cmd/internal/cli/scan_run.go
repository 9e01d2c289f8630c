package cli

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
)

const (
	// maxKnown is how many tokens the scan remembers, and maxKnownLength how long such a token
	// may be. A log often repeats the few tokens of the last minutes.
	maxKnown       = 256
	maxKnownLength = 8 << 10
)

// scan is one run through all inputs.
type scan struct {
	report scanReport
	sarif  *sarifWriter // nil for other reports
	out    *bufio.Writer
	known  map[string]known

	name    string     // of the input that is being read
	now     inputTally // of that input
	total   inputTally
	summary summary // of the inputs, if there are several
	walked  int64   // inputs that were read, if there are several
	skipped int64   // entries of folders that are binary or not regular files
	unread  int64   // inputs that could not be read

	compressed int64 // inputs that were not read because they are compressed

	live *console.Progress
	read int64 // bytes of all inputs so far
}

// known is the result for a token that was read already.
type known struct {
	what             []byte
	exposes, limited bool
	unverified       *leak.Unverified // for SARIF
}

// run scans one input: it writes the report on each token, and adds to the totals.
func (s *scan) run(ctx context.Context, name string, in io.Reader) error {
	s.name, s.now = name, inputTally{name: name}
	f := leak.NewFinder(watched{in, s})
	var err error
	for err == nil {
		var hit leak.Sighting
		if hit, err = f.Next(ctx); err == nil {
			err = s.add(hit)
		}
	}
	if c, ok := errors.AsType[*leak.CompressedError](err); ok {
		s.now.compressed = c.Format
		if broken := s.add(leak.Sighting{Line: 1, Column: 1, ColumnUTF16: 1, Limit: leak.Limit("compressed (" + c.Format + ")")}); broken != nil {
			err = broken
		}
	}
	s.now.bytes = f.Read()
	s.total.tokens += s.now.tokens
	s.total.exposing += s.now.exposing
	s.total.limited += s.now.limited
	s.total.bytes += s.now.bytes
	if s.now.exposing > 0 || s.now.limited > 0 || errors.Is(err, io.EOF) {
		s.summary.add(s.now)
	}
	if broken := s.out.Flush(); broken != nil {
		return broken
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return cannotScan(inputName(name), err)
}

func (s *scan) add(hit leak.Sighting) error {
	at := place{s.name, hit.Line, hit.Column}
	k := known{limited: true}
	if hit.Limit == "" {
		k = s.understand(hit.Token)
		s.now.tokens++
	}
	if k.exposes {
		s.now.exposing++
	}
	if k.limited {
		s.now.limited++
	}
	if s.sarif != nil {
		return s.sarif.add(at, hit, k.unverified)
	}
	s.out.Write(s.report.at(at)) // the writer keeps its error
	if hit.Limit != "" {
		k.what = s.report.limit(hit.Limit)
	}
	_, err := s.out.Write(k.what)
	return err
}

// understand returns the result for a token, which it may have from an earlier occurrence.
func (s *scan) understand(token string) known {
	if k, ok := s.known[token]; ok {
		return k
	}
	u, err := leak.Read(token)
	if err != nil { // the scan must not call a token clean that it could not read
		return known{what: s.report.limit(notUnderstood), limited: true}
	}
	k := known{exposes: u.Personal() > 0, limited: len(u.Limits) > 0}
	if s.sarif != nil {
		k.unverified = u
		return k
	}
	if k.what, err = s.report.what(u); err != nil {
		return known{what: s.report.limit(notUnderstood), limited: true}
	}
	if len(token) <= maxKnownLength && len(k.what) <= 4*maxKnownLength {
		if len(s.known) == maxKnown {
			clear(s.known)
		}
		s.known[token] = k
	}
	return k
}
