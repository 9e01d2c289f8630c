package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

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
		"a\u3164\u2800": `a\u3164\u2800`,
		"\u115f\u1160":  `\u115f\u1160`,
		"\uffa0\u034f":  `\uffa0\u034f`,
		"\ufe0f\u180b":  `\ufe0f\u180b`,
		"\U000e0100":    `\udb40\udd00`,
		"\u00a0\u3000":  `\u00a0\u3000`,
		"\u00ad\u200b":  `\u00ad\u200b`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q becomes %s, want %s", text, got, want)
		}
	}
}

// Every error of the library has an exit code of its own here, and none gets the code for I/O by
// default.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		code int
		errs []error
	}{
		{ExitIO, []error{jwks.ErrFetch, io.ErrUnexpectedEOF, keyring.ErrUnknownOutcome, keyring.ErrNotDurable, filestore.ErrLocked}},
		{ExitUsage, []error{jwks.ErrURL, jwks.ErrConfig, seal.ErrClaims, seal.ErrTooLarge, seal.ErrConfig, open.ErrConfig, keyring.ErrConfig}},
		{ExitNotAuthentic, []error{open.ErrMalformed, open.ErrAlgorithm, open.ErrNotAuthentic}},
		{ExitRefused, []error{open.ErrType, open.ErrIssuer, open.ErrAudience, open.ErrExpired, open.ErrNotYetValid,
			open.ErrLifetime, open.ErrClaims, open.ErrCheck}},
		{ExitKey, []error{jwks.ErrMetadata, open.ErrUnknownKey, open.ErrKeySource, seal.ErrSigning, seal.ErrSameKey, keyring.ErrNoRing, keyring.ErrUnreadable, keyring.ErrKEK,
			keys.ErrNoKey, keys.ErrStale, keyring.ErrRollback, keyring.ErrExists, keys.ErrDuplicate, keyring.ErrState,
			keys.ErrMalformed, keys.ErrUnsupported, filestore.ErrUnsafe}},
		{ExitPolicy, []error{keys.ErrPrivateKey, keys.ErrWeakKey, keyring.ErrPolicy, keyring.ErrWindow, seal.ErrLifetime, seal.ErrReadable}},
	} {
		for _, err := range c.errs {
			if code := Code(errors.Join(errors.New("context"), err)); code != c.code {
				t.Errorf("%v: exit code %d, want %d", err, code, c.code)
			}
		}
	}
}

// A package name is dropped in front of each error, and a path that looks like one stays.
func TestPackageNamesAreDropped(t *testing.T) {
	none := errors.New("keys: there is none")
	wrap := fmt.Errorf
	for want, err := range map[string]error{
		"token expired":                    errors.New("open: token expired"),
		"/r/ring: there is none":           wrap("filestore: /r/ring: %w", none),
		"there is none: /r/ring: no disk":  wrap("%w: /r/ring: %w", none, errors.New("filestore: no disk")),
		"there is none of use sig":         wrap("%w of use sig", none),
		"there is none\nclosed":            errors.Join(none, errors.New("jwks: closed")),
		"cannot open: /keys: not a file":   errors.New("cannot open: /keys: not a file"),
		"cannot read nope: open: x.log: .": wrap("cannot read nope: open: x.log: %w", errors.New("open: .")),
		"keys: there is none":              wrap("%s: %w", "keys", none),
		"keys: there is none: a JWK Set":   wrap("%s: %w: a JWK Set", "keys", none),
		"/keys: there is none: here: here": wrap("/%s: %w: here", none.Error(), errors.New("here")),
		"open: x is empty":                 Usagef("%s is empty", "open: x"),
		"open: x: there is none":           Usagef("%s: %w", "open: x", none),
		"":                                 errors.New(""),
	} {
		if got := Plain(err); got != want {
			t.Errorf("%q becomes %q, want %q", err, got, want)
		}
		if _, got := New("sealjwt", nil, nil, nil).Describe(&Failure{Err: err}); got != Plain(err) {
			t.Errorf("%q becomes %q in a Failure", err, got)
		}
	}
}

// The text keeps its meaning, and has no character that controls a terminal.
func TestPrintableJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"b","n":84.50}`:          `{"a":"b","n":84.50}`,
		`{"a":"한글 ✓ 😀"}`:               `{"a":"한글 ✓ 😀"}`,
		"{\"a\u009b\":\"\u202e\"}":     `{"a\u009b":"\u202e"}`,
		"[\"\u2028\ufeff\U000e0001\"]": `["\u2028\ufeff\udb40\udc01"]`,
		"[\"\x7f\"]":                   `["\u007f"]`,
	} {
		got := PrintableJSON([]byte(text))
		var before, after any
		if err := errors.Join(json.Unmarshal([]byte(text), &before), json.Unmarshal(got, &after)); err != nil || !reflect.DeepEqual(before, after) || string(got) != want {
			t.Errorf("%q becomes %s, want %s (%v)", text, got, want, err)
		}
	}
	var out bytes.Buffer
	if err := New("sealjwt", nil, &out, nil).PrintJSON(map[string]string{"a": "<\u009b>"}); err != nil || out.String() != `{"a":"<\u009b>"}`+"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
