package main

import (
	"bytes"
	"context"
	"errors"
	"io"
)

const (
	// maxScanned is the longest token in bytes that scan holds in memory, and the
	// longest that inspect reads.
	maxScanned = maxInspected

	// scanChunk is how much is read at a time: little enough to stay in a cache.
	scanChunk = 256 << 10
)

// finder finds the tokens in a text of any length, in one buffer of fixed size.
//
// It goes from full stop to full stop, since every token has one behind its header
// whatever that begins with. Nearly all of them are told from a token by the few
// bytes before them.
type finder struct {
	r    io.Reader
	most int // the longest token

	// buf[lo:end] is what is still to be looked at. buf[lo:pos] is the beginning of
	// a part that reaches to pos, and without a full stop.
	buf          []byte
	lo, pos, end int
	atEnd        bool // of the input

	read      int64 // bytes of the input, up to end
	lines     int64 // line feeds before counted
	lineStart int64 // where the line of counted begins, in the input
	counted   int   // in buf
}

// found is a token and its place. The token is good until the next one is asked for.
type found struct {
	line, column int64 // from 1, in bytes
	token        []byte
	tooLong      bool // and therefore no token
}

func newFinder(r io.Reader, most, chunk int) *finder {
	return &finder{r: r, most: most, buf: make([]byte, most+chunk)}
}

// inText is a finder for a text that is in memory already.
func inText(text string) *finder {
	return &finder{most: len(text), buf: []byte(text), end: len(text), atEnd: true}
}

// next returns the next token; io.EOF when there is none, and what the reader
// said when it failed.
func (f *finder) next(ctx context.Context) (found, error) {
	for {
		i := bytes.IndexByte(f.buf[f.pos:f.end], '.')
		if i < 0 {
			if f.atEnd {
				return found{}, io.EOF
			}
			f.pos, f.lo = f.end, f.partStart()
			if err := f.fill(ctx); err != nil {
				return found{}, err
			}
			continue
		}
		dot := f.pos + i
		start, encrypted, ok := headerIn(f.buf[f.lo:dot])
		if !ok {
			f.lo, f.pos = dot+1, dot+1
			continue
		}
		start += f.lo
		length, sure := tokenLength(f.buf[start:f.end], dot-start, encrypted)
		if !sure && !f.atEnd && f.end-start <= f.most {
			f.lo, f.pos = start, dot
			if err := f.fill(ctx); err != nil {
				return found{}, err
			}
			continue
		}
		f.lo, f.pos = dot+1, dot+1
		switch {
		case length > f.most || !sure && !f.atEnd:
			return f.at(start, found{tooLong: true}), nil
		case length > 0:
			f.lo, f.pos = start+length, start+length
			return f.at(start, found{token: f.buf[start : start+length]}), nil
		}
	}
}

// partStart is where the part begins that the window ends in. What is longer than
// any token is given up, so that a line of any length goes through the buffer.
func (f *finder) partStart() int {
	i := f.end
	for i > f.lo && inPart(f.buf[i-1]) {
		i--
	}
	if f.end-i > f.most {
		return f.end
	}
	return i
}

// fill reads on. What is before lo is let go.
func (f *finder) fill(ctx context.Context) error {
	f.count(f.lo)
	n := copy(f.buf, f.buf[f.lo:f.end])
	f.pos, f.lo, f.counted, f.end = f.pos-f.lo, 0, 0, n
	for range 100 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.r.Read(f.buf[f.end:])
		f.end += n
		f.read += int64(n)
		f.atEnd = errors.Is(err, io.EOF)
		switch {
		case f.atEnd || err == nil && n > 0:
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// at adds the place.
func (f *finder) at(start int, what found) found {
	f.count(start)
	what.line = f.lines + 1
	what.column = f.offset(start) - f.lineStart + 1
	return what
}

// count counts the line feeds up to a place in buf.
func (f *finder) count(to int) {
	passed := f.buf[f.counted:to]
	if n := bytes.Count(passed, []byte{'\n'}); n > 0 {
		f.lines += int64(n)
		f.lineStart = f.offset(f.counted + bytes.LastIndexByte(passed, '\n') + 1)
	}
	f.counted = to
}

// offset is where a byte of buf is in the input.
func (f *finder) offset(i int) int64 {
	return f.read - int64(f.end-i)
}
