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

// worker is a peer in another language. Its program reads one JSON object per line and answers each
// with one. node/peer.mjs and node/provider.mjs describe the commands.
type worker struct {
	in  io.Writer
	out *bufio.Reader
	is  string // its version
}

func startNode(t *testing.T) peer { return startScript(t, "peer.mjs", "jose") }

// startScript runs a program of the folder node, which needs these packages.
func startScript(t *testing.T, script string, packages ...string) *worker {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "node is not installed")
	}
	for _, name := range packages {
		installed(t, name)
	}
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Dir = "node"
	return startWorker(t, cmd)
}

// installed skips the test if an npm package is missing.
func installed(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat("node/node_modules/" + name); err != nil {
		missing(t, "npm "+name+" is not installed: run npm ci --ignore-scripts in testdata/peers/node")
	}
}

func startPython(t *testing.T) peer {
	// The Python of the distribution has the packages, but need not be the first one in PATH.
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import jwcrypto").Run() == nil {
			return startWorker(t, exec.CommandContext(t.Context(), python, "python/peer.py"))
		}
	}
	missing(t, "jwcrypto is not installed: on Debian, apt-get install python3-jwcrypto")
	return nil
}

// startWorker starts a worker that ends with the test.
func startWorker(t *testing.T, cmd *exec.Cmd) *worker {
	t.Helper()
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
	w := &worker{in: in, out: bufio.NewReader(out)}
	var about struct{ Version string }
	if err := w.call(&about, "version", members{}); err != nil {
		t.Fatal(err)
	}
	w.is = about.Version
	return w
}

// call sends one command and reads its answer into result.
func (w *worker) call(result any, cmd string, args members) error {
	args["cmd"] = cmd
	line, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if _, err := w.in.Write(append(line, '\n')); err != nil {
		return err
	}
	line, err = w.out.ReadBytes('\n')
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
		return errors.New(cmd + ": " + failed.Error)
	}
	return json.Unmarshal(line, result)
}

func (w *worker) version() string { return w.is }

func (w *worker) generate(suite string) (made keyPair, err error) {
	err = w.call(&made, "generate", members{"suite": suite})
	return made, err
}

func (w *worker) republish(set json.RawMessage) (json.RawMessage, error) {
	var made struct{ Set json.RawMessage }
	err := w.call(&made, "republish", members{"set": set})
	return made.Set, err
}

func (w *worker) sign(claims, header members, private json.RawMessage) (string, error) {
	var made struct{ Token string }
	err := w.call(&made, "sign", members{"claims": claims, "header": header, "jwk": private})
	return made.Token, err
}

func (w *worker) verify(token string, public json.RawMessage, want expected) (claims, header members, err error) {
	var got struct{ Claims, Header members }
	err = w.call(&got, "verify", members{
		"token": token, "jwk": public, "alg": want.alg, "typ": want.typ, "iss": want.iss, "aud": want.aud,
	})
	return got.Claims, got.Header, err
}

func (w *worker) encrypt(plaintext string, header members, public json.RawMessage) (string, error) {
	var made struct{ Token string }
	err := w.call(&made, "encrypt", members{"plaintext": plaintext, "header": header, "jwk": public})
	return made.Token, err
}

func (w *worker) decrypt(token string, private json.RawMessage, alg, enc string) (string, members, error) {
	var got struct {
		Plaintext string
		Header    members
	}
	err := w.call(&got, "decrypt", members{"token": token, "jwk": private, "alg": alg, "enc": enc})
	return got.Plaintext, got.Header, err
}
