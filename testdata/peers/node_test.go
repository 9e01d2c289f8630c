package peers

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
)

// node is one running node/peer.mjs; what it answers is described there.
type node struct {
	in  io.Writer
	out *bufio.Reader
}

// startNode starts the worker and ends it with the test. Where it cannot run,
// the test is skipped, unless SEALJWT_PEERS=require says that it has to.
func startNode(t *testing.T) *node {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "node is not installed")
	}
	if _, err := os.Stat("node/node_modules/jose"); err != nil {
		missing(t, "npm jose is not installed: run npm install --no-package-lock in testdata/peers/node")
	}
	cmd := exec.CommandContext(t.Context(), "node", "peer.mjs")
	cmd.Dir = "node"
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() // the test's context has killed it, so its status says nothing
	})
	return &node{in: in, out: bufio.NewReader(out)}
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("SEALJWT_PEERS") == "require" {
		t.Fatalf("SEALJWT_PEERS=require, but %s", why)
	}
	t.Skipf("skipped: %s", why)
}

// call sends one command and reads its answer into result.
func (n *node) call(result any, cmd string, args map[string]any) error {
	args["cmd"] = cmd
	line, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if _, err := n.in.Write(append(line, '\n')); err != nil {
		return err
	}
	line, err = n.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	var failed struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &failed); err != nil {
		return err
	}
	if failed.Error != "" {
		return errors.New("npm jose: " + failed.Error)
	}
	return json.Unmarshal(line, result)
}

// jwks is a key pair that npm jose has made, each half a JWK.
type jwks struct {
	Private json.RawMessage `json:"private"`
	Public  json.RawMessage `json:"public"`
}

func (n *node) generate(t *testing.T, alg string) jwks {
	t.Helper()
	var made jwks
	if err := n.call(&made, "generate", map[string]any{"alg": alg}); err != nil {
		t.Fatalf("generate %s: %v", alg, err)
	}
	return made
}
