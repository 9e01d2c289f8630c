package twoparties

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programs is the folder of the programs.
type programs string

// buildParties builds the programs.
func buildParties(t *testing.T) programs {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", folder, "./issuer", "./api").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return programs(folder)
}

// processes holds one issuer with its ring, and two processes of the API that share a ring.
type processes struct {
	folder string // of the issuer's ring
	issuer string
	apis   []string // the first one is the audience
	client *http.Client
}

// start runs the processes until the test ends, and then stops them like services.
func (b programs) start(t *testing.T, policy time.Duration) *processes {
	t.Helper()
	folder := t.TempDir()
	at := addresses(t, 3)
	p := &processes{
		folder: filepath.Join(folder, "issuer"),
		issuer: "http://" + at[0],
		apis:   []string{"http://" + at[1], "http://" + at[2]},
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}},
	}
	b.run(t, p, "issuer", "-listen", at[0], "-ring", p.folder, "-policy", policy.String(), "-api", p.apis[0])
	for _, listen := range at[1:] {
		b.run(t, p, "api", "-listen", listen, "-ring", filepath.Join(folder, "api"), "-policy", policy.String(), "-issuer", p.issuer, "-audience", p.apis[0])
	}
	t.Cleanup(p.client.CloseIdleConnections) // a server that stops waits five seconds for connections that were never used
	return p
}

// run starts a process, and returns when it answers.
func (b programs) run(t *testing.T, p *processes, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(string(b), name), args...)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(time.Minute):
			cmd.Process.Kill()
			t.Errorf("%s does not stop: %v", name, <-ended)
		}
	})
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if _, err := get(p.client, "http://"+args[1]+"/jwks.json"); err == nil {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v", name, err)
		default:
		}
	}
	t.Fatalf("%s does not answer", name)
}

// get returns the body at a URL.
func get(client *http.Client, url string) ([]byte, error) {
	res, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New(res.Status)
	}
	return io.ReadAll(res.Body)
}

// addresses returns addresses that are probably free: each party has to know the other's address
// before it listens.
func addresses(t *testing.T, n int) (at []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		at = append(at, l.Addr().String())
	}
	return at
}

// login is the issuer's answer to a user, with the time of the request.
type login struct {
	Token   string `json:"access_token"`
	Seconds int    `json:"expires_in"`
	Refresh string `json:"refresh_token"`
	asked   time.Time
}

// until returns the earliest time at which the token may expire.
func (l login) until() time.Time {
	return l.asked.Truncate(time.Second).Add(time.Duration(l.Seconds) * time.Second)
}

// notServed is an answer of the issuer without a token.
type notServed struct {
	status int
	header http.Header
	body   string
}

func (e *notServed) Error() string { return fmt.Sprintf("no token: %d %s", e.status, e.body) }

func (p *processes) login(user, password string) (l login, err error) {
	return p.token(url.Values{"username": {user}, "password": {password}})
}

// refresh continues a session.
func (p *processes) refresh(token string) (l login, err error) {
	return p.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (p *processes) token(form url.Values) (l login, err error) {
	l.asked = time.Now()
	res, err := p.client.PostForm(p.issuer+"/token", form)
	if err != nil {
		return l, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return l, err
	}
	if res.StatusCode != http.StatusOK {
		return l, &notServed{res.StatusCode, res.Header, strings.TrimSpace(string(body))}
	}
	return l, json.Unmarshal(body, &l)
}

func (p *processes) loginAda(t *testing.T) login {
	t.Helper()
	l, err := p.login("ada", "lovelace")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// said is the API's answer to a user.
type said struct {
	Subject    string   `json:"sub"`
	Email      string   `json:"email"`
	Name       string   `json:"name"`
	Groups     []string `json:"groups"`
	SignedWith string   `json:"signed_with"`
	SealedTo   string   `json:"sealed_to"`
}

// me asks one of the processes of the API, and returns its answer with the status.
func (p *processes) me(api, token string) (status int, s said, err error) {
	r, err := http.NewRequest(http.MethodGet, api+"/me", nil)
	if err != nil {
		return 0, s, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := p.client.Do(r)
	if err != nil {
		return 0, s, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		_, err := io.Copy(io.Discard, res.Body)
		return res.StatusCode, s, err
	}
	return res.StatusCode, s, json.NewDecoder(res.Body).Decode(&s)
}
