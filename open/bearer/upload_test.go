package bearer_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// filesIn counts the files in a directory.
func filesIn(t *testing.T, dir string) int {
	t.Helper()
	return len(must(os.ReadDir(dir)))
}

// upload sends a form with a file.
func upload(t *testing.T, url, token string) (*http.Response, error) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if _, err := must(form.CreateFormFile("file", "a.txt")).Write([]byte(strings.Repeat("a", 4<<10))); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := must(http.NewRequest("POST", url, &body))
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err == nil {
		res.Body.Close()
	}
	return res, err
}

// net/http stores parts of a form on disk. They are removed, whatever handlers are around Require
// and however the handler ends, but not while an outer handler needs them.
func TestUpload(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // on Windows
	p := newParties()
	auth := must(bearer.New(bearer.Config{Opener: p.opener(), KeepCredentials: true}))
	good := p.token(t, nil)
	parse := func(r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil || filesIn(t, dir) != 1 {
			t.Errorf("%d files, %v", filesIn(t, dir), err)
		}
	}
	parses := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parse(r)
		file, _, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		file.Close()
		hello(w, r)
	})
	for _, test := range []struct {
		name  string
		h     http.Handler
		fails bool
	}{
		{"in the handler", auth.Require(parses), false},
		{"of two", auth.Require(auth.Require(parses)), false},
		{"between two", auth.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			parse(r)
			auth.Require(parses).ServeHTTP(w, r)
			parse(r)
		})), false},
		{"in front of it", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			parse(r)
			auth.Require(parses).ServeHTTP(w, r)
			parse(r)
		}), false},
		{"behind another copy", http.StripPrefix("/a", auth.Require(parses)), false},
		{"part by part", auth.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := r.MultipartReader(); err != nil {
				t.Error(err)
			}
		})), false},
		{"and a panic", auth.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			parse(r)
			panic(http.ErrAbortHandler)
		})), true},
	} {
		srv := httptest.NewServer(test.h)
		res, err := upload(t, srv.URL+"/a/b", good)
		if (err != nil) != test.fails || err == nil && res.StatusCode != 200 {
			t.Errorf("%s: %v, %v", test.name, res, err)
		}
		srv.Close() // this waits for the handler and for the work of net/http after it
		if n := filesIn(t, dir); n != 0 {
			t.Errorf("%s: %d files are left", test.name, n)
		}
	}
}
