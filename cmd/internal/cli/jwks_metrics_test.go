package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// hourOld is the age of a ring that was read an hour ago.
var hourOld = regexp.MustCompile(`(?m)^sealjwt_snapshot_age_seconds 36\d\d(\.\d+)?$`)

var metricsAt = regexp.MustCompile(`"msg":"serving metrics","url":"(http://127\.0\.0\.1:\d+)/metrics"`)

// jwks serve exports the metrics of keys check and those of its own answers, at an address of its
// own.
func TestServeMetrics(t *testing.T) {
	newHome(t)
	checked, _ := runOK(t, "", "keys", "check", "-o", "prometheus")
	url, base, errs, _ := serving(t, "--metrics-addr", ":0")
	match := metricsAt.FindStringSubmatch(errs.String())
	if match == nil {
		t.Fatalf("no metrics are served: %s", errs.String())
	}
	for _, c := range []struct {
		method, url string
		want        int
	}{
		{"GET", url, 200}, {"GET", base + "/metrics", 404}, {"GET", base + "/hunter2", 404},
		{"GET", match[1] + "/", 404}, {"POST", match[1] + "/metrics", 405}, {"GET", match[1] + "/healthz", 404},
		{"GET", match[1] + "/.well-known/jwks.json", 404},
	} {
		if status, _, _ := ask(t, c.method, c.url); status != c.want {
			t.Errorf("%s %s: status %d, want %d", c.method, c.url, status, c.want)
		}
	}
	status, text, header := ask(t, "GET", match[1]+"/metrics")
	if status != http.StatusOK || header.Get("Content-Type") != metrics.ContentType {
		t.Errorf("status %d, %v", status, header)
	}
	promtool(t, text)
	// It has every name of keys check, and every sample that does not count time.
	for line := range strings.Lines(checked) {
		if !strings.Contains(text, line) {
			t.Errorf("there is no line %s in\n%s", line, text)
		}
	}
	for _, want := range []string{
		`(?m)^sealjwt_requests_total{path="/.well-known/jwks.json",code="200"} 1$`, `(?m)^sealjwt_requests_total{path="other",code="404"} 2$`,
		`(?m)^sealjwt_refusals_total 2$`, `(?m)^sealjwt_snapshot_age_seconds \d+(\.\d+)?$`, `(?m)^sealjwt_log_lines_dropped_total 0$`,
		`(?m)^sealjwt_snapshot_max_age_seconds 3600$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("a client chose a label: %s", text)
	}
}

// A look at a ring that is gone has the exit code of keys check, and the rest goes on.
func TestServeMetricsLook(t *testing.T) {
	ring := newHome(t)
	c := newCollector(t)
	if err := os.Rename(ring, ring+".away"); err != nil {
		t.Fatal(err)
	}
	if got := c.text(t); !strings.HasSuffix(got, "\nsealjwt_check_exit_code 5\n") || strings.Contains(got, "sealjwt_keys") ||
		!strings.Contains(got, "\nsealjwt_snapshot_max_age_seconds 3600\n") {
		t.Errorf("%s", got)
	}
	if err := os.Rename(ring+".away", ring); err != nil {
		t.Fatal(err)
	}
	if got := c.text(t); !strings.HasSuffix(got, "\nsealjwt_check_exit_code 5\n") {
		t.Errorf("it looked again within ten seconds: %s", got)
	}
	runOK(t, "", "keys", "policy", "set", "--snapshot-age", "30m")
	c.at = time.Time{}
	if got := c.text(t); !strings.Contains(got, "\nsealjwt_check_exit_code 0\n") || !strings.Contains(got, "\nsealjwt_snapshot_max_age_seconds 1800\n") {
		t.Errorf("the ring is back: %s", got)
	}
}

// The age of the snapshot counts from the last time when the ring was read, for whatever reason. A
// document that the ring refuses was not read.
func TestServeMetricsSnapshotAge(t *testing.T) {
	ring := newHome(t)
	c := newCollector(t)
	read := func() bool { return !hourOld.MatchString(c.text(t)) }
	hour := func() {
		c.reads.taken.at, c.reads.loaded.at = time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)
		c.at = time.Now() // no look
	}
	hour()
	if read() {
		t.Error("a ring that was read an hour ago has no such age")
	}
	if _, err := c.ring.Keys(t.Context()); err != nil || !read() {
		t.Errorf("it was read outside of a look, and has another age (%v)", err)
	}
	hour()
	if c.at = (time.Time{}); !read() {
		t.Error("a look read it, and it has another age")
	}

	old, err := os.ReadFile(ring)
	if err != nil {
		t.Fatal(err)
	}
	runOK(t, "", "keys", "policy", "set", "--snapshot-age", "30m")
	if c.at = (time.Time{}); !read() {
		t.Error("the changed ring was read, and has another age")
	}
	if err := os.WriteFile(ring, old, 0o600); err != nil {
		t.Fatal(err)
	}
	hour()
	for range 2 {
		if _, err := c.ring.Keys(t.Context()); !errors.Is(err, keyring.ErrRollback) {
			t.Fatal(err)
		}
		if read() {
			t.Error("a ring that was set back counts as read")
		}
	}
	if c.at = (time.Time{}); read() {
		t.Error("a look at a ring that was set back counts as a read")
	}
}

// A store that watches its document still does.
func TestServeMetricsWatch(t *testing.T) {
	for _, watches := range []bool{false, true} {
		var store keyring.Store = keyring.NewMemStore()
		if watches {
			store = watchedStore{store}
		}
		_, counts := newReads(store)
		if _, ok := counts.(keyring.Watcher); ok != watches {
			t.Errorf("a store that watches: %t, behind reads: %t", watches, ok)
		}
	}
}

type watchedStore struct{ keyring.Store }

func (watchedStore) Watch(context.Context, func(bool)) error { return nil }

// collected is a collector of the ring of the test.
type collected struct{ *collector }

func newCollector(t *testing.T) collected {
	t.Helper()
	a := &App{Console: console.New("sealjwt", nil, nil, new(bytes.Buffer))}
	ring, reads, err := a.openRead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return collected{&collector{app: a, ring: ring, reads: reads, maxAge: time.Hour}}
}

func (c collected) text(t *testing.T) string {
	return string(metrics.Text(c.look(t.Context())...))
}
