// Package servers starts database servers for tests: PostgreSQL and MariaDB from the packages of
// Debian. Each has a new folder and a Unix socket, and runs as a user without privileges.
package servers

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a database server that a test may kill.
type Server struct {
	Dir string // holds the socket, and the data

	command func() *exec.Cmd
	alive   func() error
	process *exec.Cmd
	done    chan struct{} // closed when the process has ended
	log     string
}

// absent skips a test whose server is not installed. In continuous integration that is a
// failure.
func absent(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed", what)
}

// find returns the newest program that matches one of the patterns.
func find(t testing.TB, what string, patterns ...string) string {
	t.Helper()
	for _, p := range patterns {
		if all, _ := filepath.Glob(p); len(all) > 0 {
			return all[len(all)-1]
		}
	}
	absent(t, what)
	return ""
}

// newFolder makes a folder with a short path, because the path of a socket has at most 107 bytes.
// The folder belongs to the user of the server.
func newFolder(t testing.TB, users ...string) (dir string, as *syscall.Credential) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "sdb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Getuid() != 0 {
		return dir, nil
	}
	for _, name := range append(users, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("the server does not run as root, and no other user was found")
	return "", nil
}

// command returns a command that runs as a user, in a process group of its own.
func command(dir string, as *syscall.Credential, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir, "LC_ALL=C")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return c
}

func run(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

// Start starts the server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := s.command()
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	s.process, s.done = c, done
	go func() { c.Wait(); close(done) }()
	for end := time.Now().Add(60 * time.Second); ; {
		err := s.alive()
		if err == nil {
			return
		}
		select {
		case <-done:
			err = fmt.Errorf("it has ended: %w", err)
		case <-time.After(20 * time.Millisecond):
			if time.Now().Before(end) {
				continue
			}
		}
		text, _ := os.ReadFile(s.log)
		t.Fatalf("the server does not start: %v\n%s", err, text)
	}
}

// Kill ends the server and all its processes like kill -9, and waits until they are gone.
// PostgreSQL refuses to start while an old process is at work.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	pid := s.process.Process.Pid
	syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no other process
	all := append(childrenOf(pid), pid)
	for _, p := range all {
		syscall.Kill(p, syscall.SIGKILL)
	}
	<-s.done
	for _, p := range all {
		for isAlive(p) {
			time.Sleep(time.Millisecond)
		}
	}
	s.process = nil
}

// childrenOf returns the processes that a process has started. The children of PostgreSQL leave its
// process group.
func childrenOf(pid int) (children []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if child, _, parent := statOf(path); parent == pid {
			children = append(children, child)
		}
	}
	return children
}

// isAlive reports whether a process exists and is not a zombie. A zombie holds no resources.
func isAlive(pid int) bool {
	p, state, _ := statOf(fmt.Sprintf("/proc/%d/stat", pid))
	return p == pid && state != "Z"
}

// statOf reads pid, state and parent, proc_pid_stat(5). The name stands in brackets and may hold
// spaces.
func statOf(path string) (pid int, state string, parent int) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, "", 0
	}
	head, rest, _ := strings.Cut(string(text), " (")
	rest = rest[strings.LastIndex(rest, ")")+1:]
	pid, _ = strconv.Atoi(head)
	fmt.Sscanf(rest, "%s %d", &state, &parent)
	return pid, state, parent
}

func newServer(t testing.TB, s *Server) *Server {
	t.Helper()
	s.log = filepath.Join(s.Dir, "log")
	t.Cleanup(s.Kill)
	s.Start(t)
	return s
}
