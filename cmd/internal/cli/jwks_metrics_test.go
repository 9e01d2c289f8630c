package cli

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
)

// oldSnapshot is the age of a ring that was read an hour ago.
var oldSnapshot = regexp.MustCompile(`(?m)^sealjwt_snapshot_age_seconds 36\d\d(\.\d+)?$`)

var metricsAt = regexp.MustCompile(`"msg":"serving metrics","url":"(http://127\.0\.0\.1:\d+)/metrics"`)

// jwks serve exports the metrics of keys check and those of its own answers, at an address of its
// own.
func TestServeMetrics(t *testing.T) {
	ring := newHome(t)
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
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("a client chose a label: %s", text)
	}

	// A look at a ring that is gone has the exit code of keys check, and the rest goes on.
	began := time.Now().Add(-time.Hour)
	c := &collector{read: began, app: &App{Console: console.New("sealjwt", nil, nil, new(bytes.Buffer))}}
	opened, err := c.app.openRing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.ring = opened
	if err := os.Rename(ring, ring+".away"); err != nil {
		t.Fatal(err)
	}
	if got := string(metrics.Text(c.look(t.Context())...)); !strings.HasSuffix(got, "\nsealjwt_check_exit_code 5\n") || strings.Contains(got, "sealjwt_keys") || !oldSnapshot.MatchString(got) {
		t.Errorf("%s", got)
	}
	if err := os.Rename(ring+".away", ring); err != nil {
		t.Fatal(err)
	}
	if got := string(metrics.Text(c.look(t.Context())...)); !strings.HasSuffix(got, "\nsealjwt_check_exit_code 5\n") {
		t.Errorf("it looked again within ten seconds: %s", got)
	}
	c.at = time.Time{}
	if got := string(metrics.Text(c.look(t.Context())...)); oldSnapshot.MatchString(got) || !strings.Contains(got, "\nsealjwt_check_exit_code 0\n") {
		t.Errorf("the ring is back: %s", got)
	}
}
