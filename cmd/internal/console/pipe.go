package console

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// pipeWait is how long a pipe may be without a process that writes to it. That process
	// may have been started beside this one.
	pipeWait = 10 * time.Second
	// pipePoll is the pause between two looks at such a pipe.
	pipePoll = 20 * time.Millisecond
)

var (
	errNoWriter   = errors.New("it is a pipe, and no process writes to it")
	ErrNotRegular = errors.New("it is not a regular file")
)

// OpenNamed opens a file or a pipe that a person names. O_NONBLOCK: the open of a pipe would
// wait for a process that writes to it, for ever.
func OpenNamed(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
}

// patient returns a reader of f. For a named pipe it waits for a process that writes to it, no
// longer than wait. A pipe that the shell made, as <(…), has that process from the beginning.
func patient(f *os.File, wait time.Duration) io.ReadCloser {
	info, err := f.Stat()
	if err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		return f
	}
	p := &pipe{f: f, deadline: time.Now().Add(wait)}
	for _, made := range []string{"/dev/fd/", "/proc/", "/dev/stdin"} {
		p.began = p.began || strings.HasPrefix(f.Name(), made)
	}
	return p
}

// pipe is a pipe that was opened with O_NONBLOCK.
type pipe struct {
	f        *os.File
	began    bool // a process wrote to it, so that its end is the end
	deadline time.Time
}

// Read waits for bytes or for the end of the pipe. Before the first process has opened it, a
// pipe reads as if it had ended.
func (p *pipe) Read(b []byte) (int, error) {
	for {
		n, err := p.f.Read(b)
		switch {
		case n > 0:
			p.began = true
			return n, err
		case errors.Is(err, syscall.EAGAIN): // macOS cannot wait for a pipe
			p.began = true
		case err != io.EOF || p.began:
			return n, err
		case !time.Now().Before(p.deadline):
			return 0, errNoWriter
		}
		time.Sleep(pipePoll)
	}
}

func (p *pipe) Close() error { return p.f.Close() }
