package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

func TestToFlags(t *testing.T) {
	for text, want := range map[string]recipient{
		"api.jwks":                        {path: "api.jwks"},
		"api.jwks:email":                  {path: "api.jwks", claims: []string{"email"}},
		"api.jwks:email,full name":        {path: "api.jwks", claims: []string{"email", "full name"}},
		"api.jwks:*":                      {path: "api.jwks", all: true},
		"a:b.jwks:email":                  {path: "a:b.jwks", claims: []string{"email"}},
		"C:/x":                            {path: "C:/x"},
		"C:/x:email":                      {path: "C:/x", claims: []string{"email"}},
		"/dev/fd/63:email":                {path: "/dev/fd/63", claims: []string{"email"}},
		"https://host/jwks":               {path: "https://host/jwks"},
		"https://host:8443":               {path: "https://host:8443"},
		"https://host:8443/jwks":          {path: "https://host:8443/jwks"},
		"https://host:8443:email,address": {path: "https://host:8443", claims: []string{"email", "address"}},
		"https://host/jwks:email1":        {path: "https://host/jwks", claims: []string{"email1"}},
		"https://host/jwks:*":             {path: "https://host/jwks", all: true},
		"https://host:8443/jwks:email":    {path: "https://host:8443/jwks", claims: []string{"email"}},
		"https://host:8443/j?x=1:email":   {path: "https://host:8443/j?x=1", claims: []string{"email"}},
		"https://[::1]":                   {path: "https://[::1]"},
		"https://[::1]:8443":              {path: "https://[::1]:8443"},
		"https://[::1]/jwks":              {path: "https://[::1]/jwks"},
		"https://[::1]/jwks:email":        {path: "https://[::1]/jwks", claims: []string{"email"}},
		"x:1":                             {path: "x:1"},
		"x:1,2":                           {path: "x", claims: []string{"1", "2"}},
	} {
		got, err := parseRecipient(text)
		if err != nil || got.path != want.path || got.all != want.all || !slices.Equal(got.claims, want.claims) {
			t.Errorf("%s becomes %+v, %v; want %+v", text, got, err, want)
		}
		if got.hasList() != (want.all || want.claims != nil) {
			t.Errorf("%s: hasList is %v", text, got.hasList())
		}
	}
	for _, text := range []string{
		"api.jwks:", ":email", ":", "api.jwks:,", "api.jwks:email,", "api.jwks:*,email", "api.jwks:**,*", "api.jwks: email",
		"api.jwks:email,email", "api.jwks::",
	} {
		if got, err := parseRecipient(text); err == nil {
			t.Errorf("%q was taken for %+v", text, got)
		} else if code, _ := describe(err); code != exitUsage {
			t.Errorf("%q: exit code %d", text, code)
		}
	}
}

// Where a list begins in a URL is never guessed.
func TestToURLs(t *testing.T) {
	for _, text := range []string{"https://host", "https://host:8443", "https://host:8443/jwks.json", "https://[::1]:8443/jwks.json", "https://host/a%3Ab"} {
		if to, err := parseRecipients([]string{text}); err != nil || to[0].path != text || to[0].hasList() {
			t.Errorf("%s becomes %+v, %v", text, to, err)
		}
	}
	for _, text := range []string{
		"https://host/jwks:https://claims.example.com/tier", "https://host/jwks:8443", "https://host:8443/a:b/jwks", "https://host/j?x=a:b/c",
		"https://host/a:b:email", "https://host/a:b:*", "https://host/jwks:email:name",
	} {
		_, err := parseRecipients([]string{text})
		if code, text := describe(errors.Join(err)); err == nil || code != exitUsage || !strings.Contains(text, "%3A") {
			t.Errorf("%q: %d %s", text, code, text)
		}
	}
}

// The query of a URL may be a secret, as a password is. No message shows them.
func TestToShowsNoSecrets(t *testing.T) {
	recipients := func(texts ...string) []recipient {
		to, err := parseRecipients(texts)
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	_, noClaims := parseRecipients([]string{"https://ada:hunter2@host/jwks?key=hunter2:"})
	_, badClaims := parseRecipients([]string{"https://ada:hunter2@host/jwks?key=hunter2:a,,b"})
	_, twoColons := parseRecipients([]string{"https://ada:hunter2@host/jwks?key=hunter2:a:b"})
	var visible sealFlags
	visible.selective = true
	visible.visible.names = []string{"email"}
	for name, err := range map[string]error{
		"no claims": noClaims, "bad claims": badClaims, "two colons": twoColons,
		"nested":            sealFlags{}.checkForm(recipients("https://host/jwks?key=hunter2:email")),
		"several":           sealFlags{selective: true}.checkForm(recipients("https://host/jwks?key=hunter2", "api.jwks:email")),
		"visible and --to":  visible.checkForm(recipients("https://host/jwks?key=hunter2:email")),
		"password, no path": visible.checkForm(recipients("https://ada:hunter2@host:email")),
	} {
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "https://host") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := withoutSecrets("what?.jwks"); got != "what?.jwks" {
		t.Errorf("a file becomes %s", got)
	}
}

// The library's advice comes out in the words of the command line, and with its code.
func TestAdviceNamesFlags(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{fmt.Errorf("%w: sub: name it in AllowReadable", seal.ErrReadable), exitPolicy, "sub: name it in --allow-readable"},
		{&seal.ConfigError{Field: "Type", Problem: "must be short"}, exitUsage, "--typ must be short"},
		{&open.ConfigError{Field: "Require", Problem: "names x"}, exitUsage, "--require names x"},
		{&open.ConfigError{Field: "Trust[0].Type", Problem: "must be short"}, exitUsage, "--typ must be short"},
		{fmt.Errorf("%w: a string", seal.ErrClaims), exitUsage, "a string: correct the claims"},
	} {
		err := inFlags(c.err)
		if code, text := describe(err); code != c.code || !strings.HasSuffix(text, c.want) {
			t.Errorf("%v: %d %s", c.err, code, text)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%v is lost", c.err)
		}
	}
}

// A library that sealed with --to and a list must not have got all, or none.
func TestListsReachTheLibrary(t *testing.T) {
	job := sealJob{file: claimsFile{audiences: []string{"a", "b", "c"}}, to: []recipient{
		{claims: []string{"email"}}, {all: true}, {},
	}}
	list := job.recipients(nil)
	for i, want := range []seal.SelectiveRecipient{
		{Audience: "a", Reads: []string{"email"}}, {Audience: "b", ReadsAll: true}, {Audience: "c"},
	} {
		got := list[i]
		if got.Audience != want.Audience || got.ReadsAll != want.ReadsAll || !slices.Equal(got.Reads, want.Reads) || (got.Reads == nil) != (want.Reads == nil) {
			t.Errorf("recipient %d is %+v, want %+v", i, got, want)
		}
	}
}
