package jwks

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestURLs(t *testing.T) {
	for _, good := range []string{
		"https://id.example.com", "https://id.example.com:8443/a/jwks?tenant=1", "HTTPS://ID.EXAMPLE.COM/",
		"https://10.0.0.1/jwks", "https://[2001:db8::1]/jwks",
		"http://localhost/jwks", "http://LocalHost:8080/jwks", "http://127.0.0.1/jwks", "http://127.1.2.3/jwks", "http://[::1]:80/jwks",
	} {
		if _, err := NewRemote(RemoteConfig{URL: good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "id.example.com/jwks", "/jwks", "https://", "https:///jwks", "https://:443/jwks", "https:id.example.com",
		"http://id.example.com/canary?query", "http://localhost.example.com/", "http://10.0.0.1/", "http://0.0.0.0/", "http://127.0.0.1.example.com/",
		"http://[::]/", "http://[::2]/", "http://127.1/", "http://2130706433/", "file:///etc/passwd", "ftp://id.example.com/", "unix://localhost/",
		"https://user@id.example.com/", "https://user:query@id.example.com/", "https://id.example.com/#query", "https://id.example.com/%zzquery", "https://id example.com/",
		"https://id.example.com/\nquery",
	} {
		_, err := NewRemote(RemoteConfig{URL: bad})
		if !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", bad, err)
		} else if strings.Contains(err.Error(), "query") {
			t.Errorf("%q: the error shows its query or password: %v", bad, err)
		}
	}
}

// A server's text does no harm in a message.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		`a "quoted" one`:         `a "quoted" one`,
		"\x1b[31m\n":             `\x1b[31m\n`,
		"a\u202eb":               `a\u202eb`,
		strings.Repeat("x", 201): strings.Repeat("x", 200) + "…",
		"é":                      "é",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]RemoteConfig{
		"MaxStale of more than a day":           {MaxStale: 24*time.Hour + 1},
		"MaxStale shorter than two tries":       {MaxStale: 59 * time.Second},
		"MaxStale shorter than two tries there": {MaxStale: time.Hour, Cooldown: time.Hour},
		"negative MaxStale":                     {MaxStale: -1, Cooldown: time.Nanosecond},
		"negative Cooldown":                     {Cooldown: -1},
		"negative Timeout":                      {Timeout: -1},
		"negative MaxBytes":                     {MaxBytes: -1},
		"MaxBytes of a gigabyte":                {MaxBytes: 1 << 30},
	} {
		c.URL = siteURL
		if r, err := NewRemote(c); !errors.Is(err, ErrConfig) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := must(RemoteConfig{}.withDefaults())(t)
	if c.MaxStale != time.Hour || c.Cooldown != 30*time.Second || c.Timeout != 5*time.Second || c.MaxBytes != 1<<20 {
		t.Errorf("defaults: %+v", c)
	}
	for _, c := range []RemoteConfig{{MaxStale: 24 * time.Hour}, {MaxStale: time.Minute}} {
		if _, err := c.withDefaults(); err != nil {
			t.Error(err)
		}
	}
}
