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
	// pipeWait is how long to wait for a process that opens a pipe for writing. Such a process
	// may have been started at the same time as this one.
	pipeWait = 10 * time.Second
	// pipePoll is the pause between two tries to read from a pipe without a writer.
	pipePoll = 20 * time.Millisecond
)

var (
	errNoWriter   = errors.New("it is a pipe, and no process writes to it")
	ErrNotRegular = errors.New("it is not a regular file")
)

// OpenNamed opens a file or a pipe that the user names. It uses O_NONBLOCK, because otherwise
// opening a pipe would wait, possibly for ever, for a process that writes to it.
func OpenNamed(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
}

// patient returns a reader of f. If f is a named pipe, the reader waits at most the time wait for a
// process that opens the pipe for writing. For a pipe that the shell made, as for <(…), it does
// not wait, because such a pipe has a writer from the beginning.
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
	began    bool // a process has opened the pipe for writing, so an end of file is the real end
	deadline time.Time
}

// Read waits for bytes or for the end of the pipe. Before a process has opened the pipe for
// writing, the system reports an end of file, which Read ignores until the deadline.
func (p *pipe) Read(b []byte) (int, error) {
	for {
		n, err := p.f.Read(b)
		switch {
		case n > 0:
			p.began = true
			return n, err
		case errors.Is(err, syscall.EAGAIN): // on macOS Go does not wait for a pipe: try again
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
