package etcdstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// nodes is the number of servers of a cluster.
const nodes = 3

// cluster holds three etcd servers. Each is a process with a proxy before its peer port.
type cluster struct {
	nodes   [nodes]*node
	clients []string // client addresses of all servers
}

type node struct {
	args   []string
	client string // address for clients
	proxy  *peerProxy
	cmd    *exec.Cmd
}

// long reports whether the tests run in their long form.
func long() bool { return os.Getenv("SEALJWT_LONG") == "1" }

// beside lets a test that mostly waits run beside others, in the short form.
func beside(t *testing.T) {
	if !long() {
		t.Parallel()
	}
}

var nodeDir string

func removeNodeProgram() {
	if nodeDir != "" {
		os.RemoveAll(nodeDir)
	}
}

// nodeProgram builds the server once.
var nodeProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "etcd-node")
	if err != nil {
		return "", err
	}
	nodeDir = dir
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "node"), ".")
	cmd.Dir = filepath.Join("testdata", "node")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return filepath.Join(dir, "node"), nil
})

// freePort returns an address that no server and no other test has. It is below the ports that
// Linux gives to clients: one of those could take it before the server does, or while a server
// is down.
func freePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000))
		if _, taken := ports.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

var ports sync.Map // the addresses that freePort has returned

// newCluster starts three servers and waits until they have a leader. Flags are for all.
func newCluster(t testing.TB, flags ...string) *cluster {
	t.Helper()
	program, err := nodeProgram()
	if err != nil {
		t.Fatal(err)
	}
	c := new(cluster)
	var initial []string
	for i := range c.nodes {
		peer, client := freePort(t), freePort(t)
		n := &node{client: client, proxy: newPeerProxy(t, peer)}
		n.args = slices.Concat([]string{
			program, "--name", fmt.Sprint("n", i), "--data-dir", t.TempDir(), "--log-level", "error",
			"--listen-client-urls", "http://" + client, "--advertise-client-urls", "http://" + client,
			"--listen-peer-urls", "http://" + peer, "--initial-advertise-peer-urls", "http://" + n.proxy.address,
		}, flags)
		initial = append(initial, fmt.Sprintf("n%d=http://%s", i, n.proxy.address))
		c.nodes[i] = n
		c.clients = append(c.clients, client)
	}
	t.Cleanup(func() {
		for _, n := range c.nodes {
			n.kill()
		}
	})
	for _, n := range c.nodes {
		n.args = append(n.args, "--initial-cluster", strings.Join(initial, ","), "--initial-cluster-state", "new")
		n.start(t)
	}
	c.leader(t)
	return c
}

func (n *node) start(t testing.TB) {
	t.Helper()
	n.cmd = exec.Command(n.args[0], n.args[1:]...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	t.Cleanup(func() {
		if text, err := os.ReadFile(said.Name()); t.Failed() && err == nil {
			t.Logf("a server said: %s", text[max(0, len(text)-2000):])
		}
	})
	n.cmd.Stdout, n.cmd.Stderr = said, said
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends a server with SIGKILL.
func (n *node) kill() {
	if n.cmd != nil && n.cmd.Process != nil {
		n.cmd.Process.Kill()
		n.cmd.Wait()
	}
}

func newClient(t testing.TB, servers ...string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientConfig(servers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// leader waits until a majority agrees on a leader that answers, and returns its index.
func (c *cluster) leader(t testing.TB) int {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		votes := make(map[uint64]int)
		ids := make(map[uint64]int)
		for i, n := range c.nodes {
			if s := n.status(t); s != nil {
				votes[s.Leader]++
				ids[s.Header.MemberId] = i
			}
		}
		for id, n := range votes {
			if i, ok := ids[id]; ok && id != 0 && n > nodes/2 {
				return i
			}
		}
	}
	t.Fatal("the cluster has no leader after 60 s")
	return 0
}

// status returns the answer of a server about itself, or nil if it does not answer.
func (n *node) status(t testing.TB) *clientv3.StatusResponse {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{n.client}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := c.Status(ctx, n.client)
	if err != nil {
		return nil
	}
	return s
}

// cut cuts a server off from the other two, in both directions, without a word to either side.
func (c *cluster) cut(t testing.TB, i int) {
	t.Helper()
	s := c.nodes[i].status(t)
	if s == nil {
		t.Fatal("the server that is to be cut off does not answer")
	}
	for j, n := range c.nodes {
		if j == i {
			n.proxy.cut("")
		} else {
			n.proxy.cut(fmt.Sprintf("%x", s.Header.MemberId))
		}
	}
}

// heal ends a cut.
func (c *cluster) heal() {
	for _, n := range c.nodes {
		n.proxy.heal()
	}
}
