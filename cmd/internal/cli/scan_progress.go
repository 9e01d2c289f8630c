package cli

import (
	"io"
	"os"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/lines"
)

// scanProgress returns the progress of a scan, in bytes. It knows the share that has been read
// unless an input is a folder or a pipe, whose size is not known.
func (a *App) scanProgress(s *scan, args []string) *console.Progress {
	live := a.NewProgress("scanned")
	live.Amount = size
	if whole := a.sizeOfAll(args); whole > 0 {
		live.Part = func() float64 { return float64(s.read) / float64(whole) }
	}
	return live
}

// sizeOfAll returns how many bytes the inputs have, or 0 where one of them has no known size.
func (a *App) sizeOfAll(args []string) (sum int64) {
	for _, path := range args {
		if path == "-" {
			n := lines.SizeOf(a.Stdin, nil)
			if n == 0 {
				return 0
			}
			sum += n
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil: // which the scan tells
		case !info.Mode().IsRegular():
			return 0
		default:
			sum += info.Size()
		}
	}
	return sum
}

// watched shows the progress while an input is read. It writes the findings out before it waits
// for more input. So a user who stops the scan has all of them, and the scan can follow a log.
type watched struct {
	in io.Reader
	s  *scan
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.s.out.Flush(); err != nil {
		return 0, err
	}
	n, err := w.in.Read(p)
	w.s.read += int64(n)
	w.s.live.Show(w.s.read, 0)
	return n, err
}
