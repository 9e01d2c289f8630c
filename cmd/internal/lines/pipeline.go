package lines

import (
	"context"
	"io"
	"sync"
)

// pipeline makes a line of output from each line of input, on all cores and in the order of the
// input. Line k of the output belongs to line k of the input, and is empty if that line failed.
//
// The batches are made once and go round: from the reader to a worker, in the order of
// the input to the writer, and back. So what a run holds does not depend on how long
// its input is.
type pipeline struct {
	in      *Input
	out     io.Writer // gets whole lines only, all lines of a batch at once
	workers int
	// each returns the output for a line, without a line feed. It must not keep the line, whose
	// memory is used again. A [*Fatal] ends the run.
	each func(ctx context.Context, line []byte) ([]byte, error)
	// run calls after with each batch whose lines have been written.
	after func(*batch)
}

// run returns nil at the end of the input, errStopped when ctx ended the run, and otherwise the
// error of a read, of a write or of a [*Fatal]. When ctx ends, run still writes the batches that
// the reader has handed over. A Read that is stuck may outlive the run.
func (p *pipeline) run(ctx context.Context) error {
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	var workers sync.WaitGroup
	defer workers.Wait()
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorking()

	// Each channel has room for all batches, so no send ever waits.
	n := p.workers * batchesEach
	free, work, inOrder := make(chan *batch, n), make(chan *batch, n), make(chan *batch, n)
	for range n {
		free <- &batch{ready: make(chan struct{}, 1)}
	}
	for range p.workers {
		workers.Go(func() { p.work(working, work) })
	}
	var unread error
	go func() {
		defer close(inOrder)
		unread = p.read(reading, free, work, inOrder)
	}()
	for {
		b, err := next(ctx, inOrder)
		if err != nil {
			return err
		}
		if b == nil {
			return unread
		}
		if err := p.finish(b); err != nil {
			return err
		}
		free <- b
	}
}

// next returns the batch whose turn it is, or nil after the last one. Once ctx is done
// it does not wait: the reader may be stuck in a Read.
func next(ctx context.Context, inOrder <-chan *batch) (*batch, error) {
	select {
	case b := <-inOrder:
		return b, nil
	case <-ctx.Done():
		select {
		case b := <-inOrder:
			return b, nil
		default:
			return nil, errStopped
		}
	}
}

// read hands the input over, batch by batch.
func (p *pipeline) read(ctx context.Context, free <-chan *batch, work, inOrder chan<- *batch) error {
	if err := p.in.skip(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return errStopped
		case b := <-free:
			err := p.in.fill(b)
			if len(b.lines) > 0 {
				work <- b
				inOrder <- b
			}
			switch {
			case err == io.EOF:
				return nil
			case err != nil:
				return err
			case ctx.Err() != nil: // of two cases that are ready select takes any
				return errStopped
			}
		}
	}
}

func (p *pipeline) work(ctx context.Context, work <-chan *batch) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-work:
			b.run(ctx, p.each)
			b.ready <- struct{}{}
		}
	}
}

// finish waits until a batch is done, and writes its output.
func (p *pipeline) finish(b *batch) error {
	<-b.ready
	if len(b.out) > 0 {
		if _, err := p.out.Write(b.out); err != nil {
			return err
		}
	}
	p.after(b)
	return b.fatal
}
