package keyserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
)

// stuck is a pipe that no process reads until a test frees it.
type stuck struct {
	free chan bool
	consoletest.Lines
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	return s.Lines.Write(p)
}

// No process reads the log. Neither requests nor the end of the server wait for it. When a process
// reads the log again, a line tells how many lines were dropped.
func TestStuckLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{free: make(chan bool)}
		log := NewLog(out, JSON)
		s := New(log.Logger, nil, "/jwks", http.NotFoundHandler())
		const requests = 3 * maxQueued
		for range requests {
			s.server.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/jwks", nil))
		}
		synctest.Wait()
		dropped := log.Dropped() // the writer holds one line
		if dropped != requests-maxQueued-1 && dropped != requests-maxQueued {
			t.Errorf("%d lines were dropped", dropped)
		}
		before := time.Now()
		log.Close()
		if took := time.Since(before); took != closeWithin {
			t.Errorf("Close took %v", took)
		}
		close(out.free)
		synctest.Wait()
		if want := fmt.Sprintf(`"level":"WARN","msg":"lines of this log were dropped, since nothing took them in time","lines":%d}`, dropped); strings.Count(out.String(), want) != 1 {
			t.Errorf("there is no line %s", want)
		}
		if n := strings.Count(out.String(), `"msg":"request"`); int64(n) != requests-dropped {
			t.Errorf("%d requests in the log, and %d dropped", n, dropped)
		}
		log.lines.await(line{last: true}) // this ends the goroutine
	})
}

// All lines have one format. Close writes the lines that are still queued.
func TestLogFormats(t *testing.T) {
	for format, want := range map[string][]string{
		JSON: {`{"time":"`, `","level":"WARN","msg":"the rotation waits: x"}`, `","level":"INFO","msg":"rotated: y"}`},
		Text: {"time=", ` level=WARN msg="the rotation waits: x"`, ` level=INFO msg="rotated: y"`},
	} {
		out := new(consoletest.Lines)
		log := NewLog(out, format)
		log.Say("warning: the rotation waits: x")
		log.Say("rotated: y")
		log.Close()
		log.Say("after the end")
		text := strings.Split(out.String(), "\n")
		if len(text) != 3 || !strings.HasPrefix(text[0], want[0]) || !strings.HasSuffix(text[0], want[1]) || !strings.HasSuffix(text[1], want[2]) {
			t.Errorf("%s: %q", format, text)
		}
	}
}

// No line of the log has a character that moves a cursor, turns text around or cannot be seen,
// wherever it comes from.
func TestLogIsPrintable(t *testing.T) {
	const hostile = "a\u009b\u202e\u3164\x1b\nb \U000e0001"
	for _, format := range []string{JSON, Text} {
		out := new(consoletest.Lines)
		log := NewLog(out, format)
		log.Say("warning: " + hostile)
		log.Error(hostile, "error", hostile)
		log.Warn("x", "error", errors.New(hostile))
		c := &Certificate{certFile: hostile, keyFile: hostile, log: log.Logger}
		c.Reload()
		limited(http.NotFoundHandler(), log.Logger).ErrorLog.Print(hostile)
		log.lines.direct.Info(hostile)
		log.Close()
		all := strings.TrimSuffix(out.String(), "\n")
		for line := range strings.SplitSeq(all, "\n") {
			if console.Printable(line) != line || !strings.Contains(line, `\u009b`) || format == JSON && !json.Valid([]byte(line)) {
				t.Errorf("%s: %q", format, line)
			}
		}
		if n := strings.Count(all, "\n") + 1; n != 6 {
			t.Errorf("%s: %d lines", format, n)
		}
	}
}

// Each answer counts under its path and status. A client cannot choose a label.
func TestAnswers(t *testing.T) {
	log := NewLog(io.Discard, Text)
	defer log.Close()
	s := New(log.Logger, nil, "/jwks", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	for _, path := range []string{"/jwks", "/jwks?hunter2", "/hunter2", "/healthz", "/healthz"} {
		s.server.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	var got []string
	for _, f := range s.Metrics() {
		for _, sample := range f.Samples {
			got = append(got, fmt.Sprintf("%s%v%v", f.Name, sample.Labels, sample.Value))
		}
	}
	want := []string{
		"sealjwt_requests_total[path /healthz code 200]2", "sealjwt_requests_total[path /healthz code 503]0", "sealjwt_requests_total[path /jwks code 200]2", "sealjwt_requests_total[path /jwks code 503]0",
		"sealjwt_requests_total[path other code 404]1", "sealjwt_refusals_total[]1",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}
