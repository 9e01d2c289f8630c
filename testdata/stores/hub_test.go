package stores

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// hubProcess is a hub in a process of its own, so that the memory of the clients does not count. It
// reads an SQLite file to which the test writes.
type hubProcess struct {
	addr  string
	pid   int
	store sessions.Store // on the same file
	keys  keys.PublicSource
}

const hubEnv = "SEALJWT_STORES_HUB"

// startHub starts a hub over a store that already holds this number of entries.
func startHub(t *testing.T, entries int) *hubProcess {
	t.Helper()
	dir := t.TempDir()
	if _, err := keyring.CreateKEKFile(filepath.Join(dir, "kek")); err != nil {
		t.Fatal(err)
	}
	h := &hubProcess{store: engines[0].open(t, servers.SQLiteFile(filepath.Join(dir, "sessions.db")))}
	for left := entries; left > 0; left -= 5000 {
		h.revoke(t, min(left, 5000))
	}
	c := exec.Command(os.Args[0], "-test.run=^TestHubProcess$")
	c.Env = append(os.Environ(), hubEnv+"="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	h.addr, h.pid = strings.TrimSpace(line), c.Process.Pid
	h.keys = need(jwks.NewRemote(jwks.RemoteConfig{URL: "http://" + h.addr + "/jwks"}))
	eventually(t, "the hub has not read its store", time.Minute, func() bool {
		res, err := http.Head("http://" + h.addr + "/revoked")
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
	return h
}

// revoke revokes n sessions of other users.
func (h *hubProcess) revoke(t *testing.T, n int) {
	t.Helper()
	all := make([]sessions.Ended, n)
	for i := range all {
		rand.Read(all[i].Entry[:])
		all[i].Until = time.Now().Add(testLifetime + 3*time.Minute)
	}
	if err := h.store.Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// TestHubProcess runs the hub if this process is one.
func TestHubProcess(t *testing.T) {
	dir := os.Getenv(hubEnv)
	if dir == "" {
		t.Skip("it is the hub of other tests")
	}
	p := &party{kek: need(keyring.KEKFile(filepath.Join(dir, "kek"))), signing: keytest.NewSet(keytest.NewKey(keys.ES256))}
	feed := p.feed(engines[0].open(t, servers.SQLiteFile(filepath.Join(dir, "sessions.db"))))
	background(t, func(ctx context.Context) { feed.Run(ctx, nil) })
	mux := http.NewServeMux()
	mux.Handle("/revoked", feed)
	mux.Handle("/jwks", need(jwks.NewHandler(p.signing, jwks.HandlerConfig{})))
	mux.HandleFunc("/rest", func(http.ResponseWriter, *http.Request) { debug.FreeOSMemory() })
	l := listen(t)
	fmt.Println(l.Addr())
	t.Error(http.Serve(l, mux))
}

// memory makes the hub collect its garbage and returns its resident memory in bytes, and the
// maximum so far.
func (h *hubProcess) memory(t *testing.T) (now, most int) {
	t.Helper()
	res, err := http.Get("http://" + h.addr + "/rest")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.pid))
	if err != nil {
		t.Skipf("this system does not tell the memory of a process: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			most = kib << 10
		}
	}
	return now, most
}

// processor returns the processor time of a process. If other programs keep the machine busy, the
// processor time of a delivery tells more than its delay.
func processor(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("this system does not tell the time of a process: %v", err)
	}
	var user, system int // proc_pid_stat(5), fields 14 and 15, in hundredths of a second
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ = strconv.Atoi(fields[11])
	system, _ = strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// needFiles skips a test that needs more files than a process may open.
func needFiles(t *testing.T, n uint64) {
	t.Helper()
	n += 500
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur >= n {
		return
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: max(n, limit.Max)}); err != nil {
		t.Skipf("this machine allows a process %d open files, and the test needs %d: %v", limit.Max, n, err)
	}
}

// client is a connection that asks for a feed and reads it. It does not do the work of a verifier.
type client struct {
	io.Closer
	in  *bufio.Reader
	out io.Writer
}

// get asks for a feed. The caller reads the body to its end before it asks again.
func (c *client) get(query, accept string) (*http.Response, error) {
	if _, err := fmt.Fprintf(c.out, "GET /revoked%s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", query, accept); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.in, nil)
}

// event returns the next frame of a stream.
func event(in *bufio.Reader) (string, error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if text, is := strings.CutPrefix(line, "data: "); is {
			return strings.TrimSpace(text), nil
		}
	}
}
