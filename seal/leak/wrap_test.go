package leak

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A Finder joins the lines of a token, whatever wraps them.
func TestFinderJoinsWrappedLines(t *testing.T) {
	const url = "https://app.example.com/v1.2/login/"
	lower := regexp.MustCompile("=[0-9A-F]{2}")
	for name, text := range map[string]string{
		"a URL in a mail":            wrapped(url+exposing, "", "\n", 76) + "\n",
		"a URL, CRLF":                wrapped(url+exposing, "", "\r\n", 70) + "\r\n",
		"a URL with a query":         wrapped(url+"?next=a.b.c&token="+exposing, "", "\n", 76) + "\n",
		"a reply":                    wrapped(exposing, "> ", "\n", 60) + "\n",
		"a reply to a reply":         wrapped(exposing, ">> ", "\r\n", 60) + "\r\n> bye\n",
		"a reply with spaces":        wrapped(exposing, "> > ", "\n", 72) + "\n",
		"a URL in a reply":           wrapped(url+exposing, "> ", "\n", 72) + "\n",
		"spaces at the ends":         wrapped(exposing, "", " \n", 60) + " \n",
		"spaces, the last line bare": wrapped(exposing, "", "  \t\r\n", 60) + "\r\n",
		"a shell":                    "curl -H \\\n  'Bearer " + wrapped(exposing, "", "\\\n", 60) + "' https://api.example.com\n",
		"a shell, indented":          wrapped(exposing, "  ", " \\\n", 60) + "\n",
		"a shell, CRLF":              wrapped(exposing, "", "\\\r\n", 60) + "\r\n",
		"a form":                     "t=" + wrapped(exposing, "", "%0A", 60) + "&x=y\n",
		"a form, CRLF":               "t=" + wrapped(exposing, "", "%0D%0A", 60) + "%0D%0A&x=y\n",
		"a form in small letters":    "t=" + wrapped(exposing, "", "%0d%0a", 60) + "\n",
		"a quoted form":              "%22" + wrapped(exposing, "", "%0A", 60) + "%22%7D\n",
		"QP in small letters":        lower.ReplaceAllStringFunc(wrapped(strings.ReplaceAll("t=3D"+exposing, ".", "=2E"), "", "=\r\n", 76), strings.ToLower) + "\r\n",
		"QP, space at the ends":      wrapped("see "+exposing, "", "= \r\n", 76) + "\r\n",
		"a list in JSON":             `["` + wrapped(exposing, "", `\n`, 60) + `"]`,
		"the last line in braces":    "{" + wrapped(exposing, "", "\n", 60) + "}\n",
	} {
		checkJoined(t, name, text)
	}
	for width := minNarrow; width < 120; width++ {
		for _, indent := range []string{"", "  ", "> "} {
			checkJoined(t, fmt.Sprintf("width %d, indent %q", width, indent), "a line before\n"+wrapped(exposing, indent, "\n", width)+"\n\nand one after\n")
		}
	}
}

// checkJoined checks that the token is found whole, wherever the buffers end.
func checkJoined(t *testing.T, name, text string) {
	t.Helper()
	for _, chunk := range []int{7, chunk} {
		var got []string
		for _, s := range sights(t, []byte(text), chunk) {
			got = append(got, s.Token+string(s.Limit))
		}
		if len(got) != 1 || got[0] != exposing {
			t.Errorf("%s, chunk %d: %q in %q", name, chunk, got, text)
		}
	}
}

// Lines of ordinary texts are not joined, and what follows a token is no part of it.
func TestFinderDoesNotJoinOrdinaryLines(t *testing.T) {
	for name, text := range map[string]string{
		"a prompt":        exposing + " \n$ ls\n",
		"a quoted answer": "> " + exposing + "\n> Thanks\nfor\nthat\n",
		"the next URL":    "https://app.example.com/?t=" + exposing + "\nhttps\n",
		"a command":       "curl -H 'Bearer " + exposing + "' \\\n  next\n",
		"a table":         exposing + " \nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \nb\n",
		"a form":          "t=" + exposing + "%0Anext%0A\n",
		"damaged":         strings.Replace(exposing, "e", "x", 1) + "\nnext\n",
	} {
		token := exposing
		if name == "damaged" {
			token = text[:len(exposing)]
		}
		if got := found(t, text); len(got) != 1 || got[0] != token {
			t.Errorf("%s: %q", name, got)
		}
	}
	uuids := bytes.Repeat([]byte("550e8400-e29b-41d4-a716-446655440000\n"), 100)
	if st := undo(uuids, 0, 0, nil); st.joins != nil {
		t.Errorf("%d lines with an id are joined", len(st.joins))
	}
}
