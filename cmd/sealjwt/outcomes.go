package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/seal"
)

// outcomes is what the library's errors mean for a script, and what they should
// make a person do; no advice where the library's text already gives it. The
// first that fits counts, so whatever wraps others stands above them.
var outcomes = []struct {
	err    error
	code   int
	advice string
}{
	{jwks.ErrURL, exitUsage, ""},
	{jwks.ErrConfig, exitUsage, ""},
	{jwks.ErrFetch, exitIO, ""},
	{jwks.ErrMetadata, exitKey, "check the issuer, to the letter"},

	{open.ErrMalformed, exitNotAuthentic, "sealjwt inspect says what it is"},
	{open.ErrAlgorithm, exitNotAuthentic, "ask its issuer for a new one"},
	{open.ErrNotAuthentic, exitNotAuthentic, "nothing in it can be believed; ask its issuer for a new one"},
	{open.ErrType, exitRefused, "it is a token of another kind; ask its issuer for the right one"},
	{open.ErrIssuer, exitRefused, "only the issuers that --iss or --trust name are trusted, to the letter"},
	{open.ErrAudience, exitRefused, "only tokens for the audience that --aud names are taken, to the letter"},
	{open.ErrExpired, exitRefused, "its issuer has to make a new one"},
	{open.ErrNotYetValid, exitRefused, "check the clock of this machine"},
	{open.ErrLifetime, exitRefused, "its issuer must seal with a shorter --ttl, or take it with a longer --max-lifetime"},
	{open.ErrClaims, exitRefused, "tell its issuer"},
	{open.ErrCheck, exitRefused, ""},
	{open.ErrUnknownKey, exitKey, "was it sealed to another ring (--ring), or does --trust lack its issuer's signing key?"},
	{open.ErrConfig, exitUsage, "see sealjwt open --help"},
	{open.ErrKeySource, exitKey, ""},

	{seal.ErrReadable, exitPolicy, ""},
	{seal.ErrClaims, exitUsage, "correct the claims"},
	{seal.ErrTooLarge, exitUsage, ""},
	{seal.ErrConfig, exitUsage, "see sealjwt seal --help"},
	{seal.ErrLifetime, exitPolicy, ""},
	{seal.ErrSameKey, exitKey, ""},
	{seal.ErrSigning, exitKey, ""},

	{keyring.ErrConfig, exitUsage, ""},
	{keyring.ErrRollback, exitKey, "put the right ring back, or take this one with: sealjwt keys accept"},
	{keyring.ErrNoRing, exitKey, "make one with: sealjwt keys init"},
	{keyring.ErrExists, exitKey, "use it, or name another with --ring; nothing ever replaces a ring"},
	{keyring.ErrUnreadable, exitKey, "name its own --kek-file or --passphrase-file, or put a backup of the ring back"},
	{filestore.ErrUnsafe, exitKey, ""},
	{keyring.ErrKEK, exitKey, "name the key file of this ring with --kek-file"},
	{keys.ErrPrivateKey, exitPolicy, ""},
	{keys.ErrWeakKey, exitPolicy, "make a new key"},
	{keyring.ErrPolicy, exitPolicy, ""},
	{keyring.ErrWindow, exitPolicy, "wait until then, or see --insecure-skip-window"},
	{keys.ErrNoKey, exitKey, "see what the ring holds with: sealjwt keys list"},
	{keys.ErrStale, exitKey, "make the ring readable again"},
	{keys.ErrDuplicate, exitKey, "see what the ring holds with: sealjwt keys list"},
	{keyring.ErrState, exitKey, ""},
	{keys.ErrUnsupported, exitKey, ""},
	{keys.ErrMalformed, exitKey, ""},
	{keyring.ErrNotDurable, exitIO, ""}, // to look again fails too
	{keyring.ErrUnknownOutcome, exitIO, "see with: sealjwt keys list"},
	{filestore.ErrLocked, exitIO, ""},

	{sessions.ErrFrame, exitNotAuthentic, "is --iss the issuer of this feed, and does --trust have its signing keys?"},
	{sessions.ErrConfig, exitUsage, ""},
	{sessions.ErrUnreachable, exitIO, "check the URL, and whether the issuer serves the feed"},

	{fs.ErrNotExist, exitIO, "check the path"},
	{fs.ErrPermission, exitIO, "let this user in, or use another path"},
}

// describe returns the exit code and the line for an error.
func describe(err error) (code int, text string) {
	code, text = exitIO, plain(err.Error())
	var advice string
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			code, advice = o.code, o.advice
			break
		}
	}
	if f, ok := errors.AsType[*failure](err); ok {
		if f.advice != "" || f.code != 0 {
			advice = f.advice
		}
		if f.code != 0 {
			code = f.code
		}
	}
	if advice != "" {
		text += ": " + advice
	}
	return code, text
}

// plain drops the names of the packages that an error passed through.
func plain(text string) string {
	text = ": " + text
	for _, name := range []string{"open", "seal", "keys", "keyring", "filestore", "jwks", "sessions", "strict"} {
		text = strings.ReplaceAll(text, ": "+name+": ", ": ")
	}
	return strings.TrimPrefix(text, ": ")
}
