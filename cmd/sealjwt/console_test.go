package main

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain, 한글 ✓ 😀": "plain, 한글 ✓ 😀",
		"\x1b[31m":      `\u001b[31m`,
		"a\r\nb\t":      `a\u000d\u000ab\u0009`,
		"\u009b\u007f":  `\u009b\u007f`,
		"\u202e\u2066":  `\u202e\u2066`,
		"\U000e0001":    `\udb40\udc01`,
		"\xff":          `\xff`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q becomes %s, want %s", text, got, want)
		}
	}
}

// Every sentinel of the library has its exit code here, and none falls through to
// the one for I/O.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		code int
		errs []error
	}{
		{exitIO, []error{jwks.ErrFetch, io.ErrUnexpectedEOF, keyring.ErrUnknownOutcome, keyring.ErrNotDurable, filestore.ErrLocked}},
		{exitUsage, []error{jwks.ErrURL, jwks.ErrConfig, seal.ErrClaims, seal.ErrTooLarge, seal.ErrConfig, open.ErrConfig, keyring.ErrConfig}},
		{exitNotAuthentic, []error{open.ErrMalformed, open.ErrAlgorithm, open.ErrNotAuthentic}},
		{exitRefused, []error{open.ErrType, open.ErrIssuer, open.ErrAudience, open.ErrExpired, open.ErrNotYetValid,
			open.ErrLifetime, open.ErrClaims, open.ErrCheck}},
		{exitKey, []error{jwks.ErrMetadata, open.ErrUnknownKey, open.ErrKeySource, seal.ErrSigning, seal.ErrSameKey, keyring.ErrNoRing, keyring.ErrUnreadable, keyring.ErrKEK,
			keys.ErrNoKey, keys.ErrStale, keyring.ErrRollback, keyring.ErrExists, keys.ErrDuplicate, keyring.ErrState,
			keys.ErrMalformed, keys.ErrUnsupported, filestore.ErrUnsafe}},
		{exitPolicy, []error{keys.ErrPrivateKey, keys.ErrWeakKey, keyring.ErrPolicy, keyring.ErrWindow, seal.ErrLifetime, seal.ErrReadable}},
	} {
		for _, err := range c.errs {
			if code, _ := describe(errors.Join(errors.New("context"), err)); code != c.code {
				t.Errorf("%v: exit code %d, want %d", err, code, c.code)
			}
		}
	}
}

func TestPackageNamesAreDropped(t *testing.T) {
	for text, want := range map[string]string{
		"open: token expired":                     "token expired",
		"filestore: /r/ring: keys: there is none": "/r/ring: there is none",
		"cannot open: /keys: not a file":          "cannot open: /keys: not a file",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m30s", 24 * time.Hour: "1d", 720 * time.Hour: "30d",
		25*time.Hour + 2*time.Minute: "1d1h2m", 24*time.Hour + time.Second: "1d1s",
	} {
		got := durationText(d)
		if again, err := parseDuration(got); got != want || err != nil || again != d {
			t.Errorf("%v is written %s and read as %v (%v)", d, got, again, err)
		}
	}
}
