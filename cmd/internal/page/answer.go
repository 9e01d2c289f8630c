package page

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/seal/leak"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	script string

	style     = report.Style() + pageStyle
	templates = template.Must(template.New("page").Parse(pageText))
)

// refusal is the text that the page shows in place of a report.
type refusal struct{ Said, Why string }

var (
	tooLong = refusal{"That is not a token.", fmt.Sprintf("It is longer than %d bytes.", MaxToken)}
	ended   = refusal{"This page has ended.", "The server of this page is not running any more, so the page takes no token. Close it, and run sealjwt page again."}
)

// view is what page.html shows.
type view struct {
	Style          template.CSS
	Script         template.JS
	Path           string
	Minutes        int
	Result         template.HTML
	TooLong, Ended refusal
}

// page answers with the page. A browser that runs no script posts its form here, and gets the
// page with the report.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	v := view{
		Style: template.CSS(style), Script: template.JS(script), Path: s.path,
		Minutes: int(MaxIdle / time.Minute), TooLong: tooLong, Ended: ended,
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		var fragment []byte
		status, fragment = s.report(w, r)
		v.Result = template.HTML(fragment) // made by templates, which escape the texts of the token
	}
	var b bytes.Buffer
	if err := templates.Execute(&b, v); err != nil {
		status = http.StatusInternalServerError
		b.Reset()
	}
	send(w, status, b.Bytes())
}

// read answers with the report alone, which the script puts into the page.
func (s *server) read(w http.ResponseWriter, r *http.Request) {
	status, fragment := s.report(w, r)
	send(w, status, fragment)
}

func send(w http.ResponseWriter, status int, html []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(html)
}

// The body is a form with enctype text/plain (HTML section 4.10.21.8), so that the token
// needs no decoding and no temporary file.
const (
	before = "token="
	behind = "\r\n" // page.js leaves it out
)

// report returns the report of the token in the body. For a text that is not a token the status is
// 200, because a person may still be typing.
func (s *server) report(w http.ResponseWriter, r *http.Request) (status int, fragment []byte) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(len(before)+MaxToken+len(behind))))
	if _, isLong := errors.AsType[*http.MaxBytesError](err); isLong {
		return http.StatusRequestEntityTooLarge, render(tooLong)
	}
	token, isForm := bytes.CutPrefix(body, []byte(before))
	if err != nil || !isForm {
		return http.StatusBadRequest, render(refusal{Said: "The request broke off."})
	}
	token = bytes.TrimSuffix(token, []byte(behind))
	if len(token) > MaxToken {
		return http.StatusRequestEntityTooLarge, render(tooLong)
	}
	u, err := leak.Read(string(token))
	if err != nil {
		return http.StatusOK, render(refusal{"That is not a token.", "Reason: " + err.Error()})
	}
	var b bytes.Buffer
	if err := report.Fragment(&b, u, s.clock.now()); err != nil {
		return http.StatusInternalServerError, render(refusal{Said: "The report could not be made."})
	}
	return http.StatusOK, b.Bytes()
}

func render(why refusal) []byte {
	var b bytes.Buffer
	templates.ExecuteTemplate(&b, "refusal", why) // does not fail: it writes two texts to memory
	return b.Bytes()
}

// alive answers for as long as the server runs, and its answer has no content.
func (s *server) alive(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Time{}) // its end would end the context of the request too
	c.SetWriteDeadline(time.Time{})
	w.WriteHeader(http.StatusOK)
	c.Flush()
	select {
	case <-s.ended:
	case <-r.Context().Done():
	}
}
