package lines

import (
	"context"
	"errors"
)

const (
	// batchLines and batchBytes bound a batch: long enough that handing it over costs
	// nothing beside the cryptography, short enough that its lines are soon written.
	batchLines = 64
	batchBytes = 64 << 10
	// batchesEach is how many batches there are for each worker: one that the worker works on,
	// and one that waits for the worker or to be written.
	batchesEach = 2
)

// errStopped is the error of a run whose context ended before the input did.
var errStopped = errors.New("stopped")

// batch holds some lines of the input that follow each other, and their results.
type batch struct {
	first  int64 // the number of its first line, from 1
	end    int64 // how many bytes of the input were read up to its last line
	text   []byte
	lines  []span
	out    []byte
	done   int // how many lines stand in out
	failed []lineError
	fatal  error
	ready  chan struct{} // has room for one; a worker sends when the batch is done
}

// span is a line in the text of a batch.
type span struct {
	start, end int
	err        error // why the line could not be read; nil if it was
}

// lineError is why a line failed.
type lineError struct {
	line int64
	err  error
}

// Fatal is an error that every other line would have too.
type Fatal struct{ Err error }

// Error returns the text of the error.
func (f *Fatal) Error() string { return f.Err.Error() }

// Unwrap returns the error.
func (f *Fatal) Unwrap() error { return f.Err }

// run makes the output of a batch, up to a fatal error.
func (b *batch) run(ctx context.Context, each func(context.Context, []byte) ([]byte, error)) {
	for i, s := range b.lines {
		if b.fatal = ctx.Err(); b.fatal != nil { // the run is over, and nothing more is written
			return
		}
		result, err := []byte(nil), s.err
		if err == nil {
			result, err = each(ctx, b.text[s.start:s.end])
		}
		if f, ok := errors.AsType[*Fatal](err); ok {
			b.fatal = f.Err
			return
		}
		if err != nil {
			b.failed = append(b.failed, lineError{b.first + int64(i), err})
		} else {
			b.out = append(b.out, result...)
		}
		b.out = append(b.out, '\n')
		b.done++
	}
}
