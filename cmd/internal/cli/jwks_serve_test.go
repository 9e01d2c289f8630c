package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
)

// serving runs jwks serve until the test ends, and returns its URLs and stderr. stop ends the
// server and returns its exit code.
func serving(t *testing.T, args ...string) (url, base string, errs *consoletest.Lines, stop func() int) {
	t.Helper()
	errs = new(consoletest.Lines)
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"jwks", "serve", "--addr", "127.0.0.1:0"}, args...), strings.NewReader(""), io.Discard, errs)
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	t.Cleanup(func() { stop() })
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if match := servingAt.FindStringSubmatch(errs.String()); match != nil {
			return match[1], match[2], errs, stop
		}
	}
	t.Fatalf("nothing is served: %s", errs.String())
	return
}

func ask(t *testing.T, method, url string, header ...string) (status int, body string, answer http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

// The answer is the output of keys export. The server has /healthz besides and nothing else. The
// log of a request holds no text that a client chose.
func TestServe(t *testing.T) {
	newHome(t)
	exported, _ := runOK(t, "", "keys", "export", "--use", "sig")
	url, base, errs, stop := serving(t, "--use", "sig")
	status, body, header := ask(t, "GET", url+"?access_token=hunter2", "Authorization", "Bearer hunter2")
	if status != http.StatusOK || body+"\n" != exported {
		t.Errorf("status %d: %s", status, body)
	}
	if got := header.Get("Cache-Control"); got != "public, max-age=300, must-revalidate" {
		t.Errorf("Cache-Control: %s", got)
	}
	for _, c := range []struct {
		method, url string
		want        int
	}{
		{"HEAD", url, 200}, {"GET", base + "/healthz", 200}, {"HEAD", base + "/healthz", 200}, {"POST", base + "/healthz", 405},
		{"DELETE", url, 405}, {"HUNTER2", url, 405}, {"GET", base + "/hunter2", 404}, {"GET", base, 404},
		{"GET", base + "/healthz/hunter2", 404}, {"GET", base + "/debug/pprof/", 404}, {"GET", url + "/", 404},
	} {
		if status, _, _ := ask(t, c.method, c.url); status != c.want {
			t.Errorf("%s %s: status %d, want %d", c.method, c.url, status, c.want)
		}
	}
	if code := stop(); code != console.ExitDone {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	checkLog(t, errs.String(), 12)
}

// checkLog checks that the log has one line for each of want requests, and nothing else.
func checkLog(t *testing.T, text string, want int) {
	t.Helper()
	if strings.Contains(strings.ToLower(text), "hunter2") {
		t.Errorf("the log holds a text of a client: %s", text)
	}
	requests := 0
	for line := range strings.Lines(text) {
		var request map[string]any
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if request["msg"] != "request" {
			continue
		}
		if request["path"] == "" {
			t.Errorf("%q has no path", line)
		}
		requests++
		for _, name := range []string{"time", "level", "msg", "method", "path", "status", "duration_ms", "bytes"} {
			if _, ok := request[name]; !ok || len(request) != 8 {
				t.Errorf("%q lacks %s, or has more", line, name)
			}
		}
	}
	if requests != want {
		t.Errorf("%d requests, want %d: %s", requests, want, text)
	}
	if !strings.HasSuffix(text, `"level":"INFO","msg":"stopped"}`+"\n") {
		t.Errorf("the end is %q", text[max(0, len(text)-100):])
	}
}

// The ring can no longer be read. The server serves it as long as its policy allows. After that
// neither the JWK Set nor /healthz answers, until the ring can be read again.
func TestServeStaleRing(t *testing.T) {
	ring := newHome(t, "--snapshot-age", "1s")
	url, base, errs, _ := serving(t)
	await := func(want int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			set, _, _ := ask(t, "GET", url)
			health, _, _ := ask(t, "GET", base+"/healthz")
			if set == want && health == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("JWK Set %d, health %d, want %d: %s", set, health, want, errs.String())
			}
		}
	}
	await(http.StatusOK)
	if err := os.Rename(ring, ring+".away"); err != nil {
		t.Fatal(err)
	}
	await(http.StatusServiceUnavailable)
	if !strings.Contains(errs.String(), `"level":"ERROR","msg":"not served"`) {
		t.Errorf("the log does not say why: %s", errs.String())
	}
	if err := os.Rename(ring+".away", ring); err != nil {
		t.Fatal(err)
	}
	await(http.StatusOK)
	if status, _, _ := ask(t, "GET", url, "X", strings.Repeat("x", 32<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: status %d", status)
	}
}
