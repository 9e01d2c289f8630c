package lines

import (
	"io"
	"os"
	"sync/atomic"
)

// counter counts the bytes that are read.
type counter struct {
	in io.Reader
	n  atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// partOf returns the function that tells which part of the input was read, or nil where the input
// is not a file: the length of a pipe is not known. in is the file, or hides stdin.
func partOf(c *counter, in, stdin io.Reader) func() float64 {
	f, ok := in.(*os.File)
	if !ok {
		if f, ok = stdin.(*os.File); !ok {
			return nil
		}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	at, err := f.Seek(0, io.SeekCurrent) // a shell may have read a part of it
	size := info.Size() - at
	if err != nil || size <= 0 {
		return nil
	}
	return func() float64 { return float64(c.n.Load()) / float64(size) }
}
