package lines

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// Input reads a text line by line, of any length and with lines of any length.
type Input struct {
	name    string // for messages
	in      *bufio.Reader
	Most    int   // bytes of a line
	TooLong error // what is wrong with a longer one
	skipped int64 // lines to skip at the beginning
	read    int64 // lines read so far, the skipped ones included
	size    int64 // bytes of the input, 0 if they are not known
	bytes   int64 // of the input, that were read so far
}

// skip passes over the lines of --skip. It returns a usage error if the input has fewer lines.
func (l *Input) skip(ctx context.Context) error {
	for l.read < l.skipped {
		if ctx.Err() != nil {
			return errStopped
		}
		_, _, err := l.next(nil, 0)
		switch {
		case err == io.EOF:
			return console.Usagef("%s has %s, and --skip names %d: is this the same input?", l.name, console.Count(l.read, "line"), l.skipped)
		case err != nil:
			return err
		}
	}
	return nil
}

// fill reads the lines of a batch: one, and then as many as there are without waiting. So a
// client that writes line by line gets its answers line by line.
func (l *Input) fill(b *batch) error {
	*b = batch{first: l.read + 1, text: b.text[:0], lines: b.lines[:0], out: b.out[:0], failed: b.failed[:0], ready: b.ready}
	for len(b.lines) < batchLines && len(b.text) < batchBytes && (len(b.lines) == 0 || l.hasLine()) {
		s := span{start: len(b.text)}
		var whole bool
		var err error
		if b.text, whole, err = l.next(b.text, l.Most); err != nil {
			return err
		}
		if !whole {
			s.err = l.TooLong
		}
		s.end = len(b.text)
		b.lines = append(b.lines, s)
		b.end = l.bytes
	}
	return nil
}

// hasLine reports whether a whole line is in the buffer, so that no Read has to wait for it.
func (l *Input) hasLine() bool {
	buffered, _ := l.in.Peek(l.in.Buffered())
	return bytes.IndexByte(buffered, '\n') >= 0
}

// skipMark skips a byte order mark at the beginning of the input. It reads one byte at a time: the
// first line may be shorter than the mark, and its sender may wait for the answer.
func (l *Input) skipMark() {
	for n := range len(console.ByteOrderMark) {
		if mark, _ := l.in.Peek(n + 1); !bytes.Equal(mark, console.ByteOrderMark[:n+1]) {
			return
		}
	}
	l.in.Discard(len(console.ByteOrderMark))
}

// next appends a line to dst, without the line feed, or carriage return and line feed, that ends
// it. The last line may lack them. next passes over a byte order mark before the first line. Of a
// line longer than most it keeps nothing, and whole is false. When a read fails within a line, next
// returns the error and nothing of that line.
func (l *Input) next(dst []byte, most int) (text []byte, whole bool, err error) {
	const ending = 2 // bytes
	start, whole, something := len(dst), true, false
	if l.read == 0 {
		l.skipMark()
	}
	for {
		part, err := l.in.ReadSlice('\n')
		something = something || len(part) > 0
		l.bytes += int64(len(part))
		if whole = whole && len(dst)-start+len(part) <= most+ending; whole {
			dst = append(dst, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && something, err == nil:
		case err == io.EOF:
			return dst, false, io.EOF
		default:
			return dst[:start], false, console.CannotRead(l.name, err)
		}
		l.read++
		dst = dst[:start+len(console.WithoutEnding(dst[start:]))]
		if whole = whole && len(dst)-start <= most; !whole {
			dst = dst[:start]
		}
		return dst, whole, nil
	}
}
