package page

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, test := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"token":           {"token=" + unsigned, 200, "▲</span> personal: e-mail address"},
		"form":            {"token=" + unsigned + "\r\n", 200, "▲</span> personal: e-mail address"},
		"white space":     {"token=" + unsigned + "\n\r\n", 200, "open refuses it:"},
		"date":            {"token=eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTk5OTk5NDB9.", 200, "expired 1 min ago"},
		"garbage":         {"token=" + strings.Repeat("x", 100_000), 200, "That is not a token."},
		"empty":           {"token=", 200, "That is not a token."},
		"no form":         {unsigned, 400, "The request broke off."},
		"nothing":         {"", 400, "The request broke off."},
		"longest":         {"token=" + strings.Repeat("x", MaxToken), 200, "That is not a token."},
		"longest of form": {"token=" + strings.Repeat("x", MaxToken) + "\r\n", 200, "That is not a token."},
		"too long":        {"token=" + strings.Repeat("x", MaxToken+1), 413, "It is longer than 1048576 bytes."},
		"much too long":   {"token=" + strings.Repeat("x", 3*MaxToken), 413, "It is longer than 1048576 bytes."},
	} {
		t.Run(name, func(t *testing.T) {
			s := testServer(func() time.Time { return now })
			for _, path := range []string{"read", ""} {
				w := ask(s, http.MethodPost, s.path+path, test.body, nil)
				if w.Code != test.status || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
					t.Errorf("%q: status %d, %s", path, w.Code, w.Header().Get("Content-Type"))
				}
				_, result, _ := strings.Cut(w.Body.String(), `<div id="result">`)
				if path == "read" {
					result = w.Body.String()
				}
				result, _, _ = strings.Cut(result, "<template")
				if !strings.Contains(result, test.want) {
					t.Errorf("%q answers\n%.3000s", path, result)
				}
				if strings.Contains(result, "xxxxx") || strings.Contains(result, unsigned) {
					t.Errorf("%q repeats the input", path)
				}
				if whole := strings.Contains(w.Body.String(), "<!doctype html>"); whole != (path == "") {
					t.Errorf("%q answers with a whole page: %v", path, whole)
				}
			}
		})
	}
}

// TestSamePage has the page of two requests be the same, also after a token: the server keeps none.
func TestSamePage(t *testing.T) {
	s := testServer(time.Now)
	before := ask(s, http.MethodGet, s.path, "", nil).Body.String()
	ask(s, http.MethodPost, s.path+"read", "token="+unsigned, nil)
	ask(s, http.MethodPost, s.path, "token="+unsigned, nil)
	if after := ask(s, http.MethodGet, s.path, "", nil).Body.String(); after != before || !strings.Contains(before, "<textarea") {
		t.Error("the page is another one after a token")
	}
}

// endless is a body without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	if e.read > 8*MaxToken {
		return 0, io.EOF
	}
	return copy(p, strings.Repeat("x", len(p))), nil
}

// TestBodyIsBounded has a client send more than a token: the server does not hold it.
func TestBodyIsBounded(t *testing.T) {
	s, body := testServer(time.Now), &endless{}
	w := ask(s, http.MethodPost, s.path+"read", "", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(body), -1 })
	if w.Code != http.StatusRequestEntityTooLarge || body.read > 4*MaxToken {
		t.Errorf("status %d after %d bytes", w.Code, body.read)
	}
}
