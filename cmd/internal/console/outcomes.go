package console

import (
	"errors"
	"io/fs"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/seal"
)

// outcomes gives each class of errors of the library its exit code, and advice for the user if the
// text of the library has none. The first class that errors.Is finds counts. So a class whose
// errors wrap the errors of another class must stand above that class.
var outcomes = []struct {
	err    error
	code   int
	advice string
	verb   string // a verb that helps, printed behind the advice
}{
	{jwks.ErrURL, ExitUsage, "", ""},
	{jwks.ErrConfig, ExitUsage, "", ""},
	{jwks.ErrFetch, ExitIO, "", ""},
	{jwks.ErrMetadata, ExitKey, "check the issuer, to the letter", ""},

	{open.ErrMalformed, ExitNotAuthentic, "see what it is with", "inspect"},
	{open.ErrAlgorithm, ExitNotAuthentic, "ask its issuer for a new one", ""},
	{open.ErrNotAuthentic, ExitNotAuthentic, "nothing in it can be believed; ask its issuer for a new one", ""},
	{open.ErrType, ExitRefused, "it is a token of another kind; ask its issuer for the right one", ""},
	{open.ErrIssuer, ExitRefused, "only the issuers that --iss or --trust name are trusted, to the letter", ""},
	{open.ErrAudience, ExitRefused, "only tokens for the audience that --aud names are taken, to the letter", ""},
	{open.ErrExpired, ExitRefused, "its issuer has to make a new one", ""},
	{open.ErrNotYetValid, ExitRefused, "check the clock of this machine", ""},
	{open.ErrLifetime, ExitRefused, "its issuer must seal with a shorter --ttl, or take it with a longer --max-lifetime", ""},
	{open.ErrClaims, ExitRefused, "tell its issuer", ""},
	{open.ErrCheck, ExitRefused, "", ""},
	{open.ErrUnknownKey, ExitKey, "was it sealed to another ring (--ring), or does --trust lack its issuer's signing key?", ""},
	{open.ErrConfig, ExitUsage, "see", "open --help"},
	{open.ErrKeySource, ExitKey, "", ""},

	{seal.ErrReadable, ExitPolicy, "", ""},
	{seal.ErrClaims, ExitUsage, "correct the claims", ""},
	{seal.ErrTooLarge, ExitUsage, "", ""},
	{seal.ErrConfig, ExitUsage, "see", "seal --help"},
	{seal.ErrLifetime, ExitPolicy, "", "keys policy set --token-lifetime 8h"},
	{seal.ErrSameKey, ExitKey, "", ""},
	{seal.ErrSigning, ExitKey, "", ""},

	{keyring.ErrConfig, ExitUsage, "", ""},
	{keyring.ErrRollback, ExitKey, "put the right ring back, or take this one with", "keys accept"},
	{keyring.ErrNoRing, ExitKey, "make one with", "keys init"},
	{keyring.ErrExists, ExitKey, "use it, or name another with --ring; no verb puts another ring in its place", ""},
	{ringmove.ErrMoved, ExitKey, "name the place that has the ring with --ring, or end the move, see", "keys copy --help"},
	{keyring.ErrUnreadable, ExitKey, "name its own --kek-file or --passphrase-file, or put a backup of the ring back", ""},
	{filestore.ErrUnsafe, ExitKey, "", ""},
	{keyring.ErrKEK, ExitKey, "name the key file of this ring with --kek-file", ""},
	{keys.ErrPrivateKey, ExitPolicy, "", ""},
	{keys.ErrWeakKey, ExitPolicy, "make a new key", ""},
	{keyring.ErrPolicy, ExitPolicy, "", ""},
	{keyring.ErrWindow, ExitPolicy, "wait until then, or see --insecure-skip-window", ""},
	{keys.ErrNoKey, ExitKey, "see what the ring holds with", "keys list"},
	{keys.ErrStale, ExitKey, "make the ring readable again", ""},
	{keys.ErrDuplicate, ExitKey, "see what the ring holds with", "keys list"},
	{keyring.ErrState, ExitKey, "", ""},
	{keys.ErrUnsupported, ExitKey, "", ""},
	{keys.ErrMalformed, ExitKey, "", ""},
	{keyring.ErrNotDurable, ExitIO, "", ""}, // no advice to run keys list: it would fail too
	{keyring.ErrUnknownOutcome, ExitIO, "see with", "keys list"},
	{filestore.ErrLocked, ExitIO, "", ""},

	{sessions.ErrFrame, ExitNotAuthentic, "is --iss the issuer of this feed, and does --trust have its signing keys?", ""},
	{sessions.ErrConfig, ExitUsage, "", ""},
	{sessions.ErrUnreachable, ExitIO, "check the URL, and whether the issuer serves the feed", ""},

	{fs.ErrNotExist, ExitIO, "check the path", ""},
	{fs.ErrPermission, ExitIO, "let this user in, or use another path", ""},
}

// Code returns the exit code for an error.
func Code(err error) int {
	code, _, _ := judge(err)
	return code
}

// Describe returns the exit code for an error, and the line that the user sees: the text of the
// error, and behind it the advice and a command line that helps, if there are any.
func (c *Console) Describe(err error) (code int, text string) {
	code, advice, verb := judge(err)
	text = Plain(err)
	if advice != "" {
		text += ": " + advice
	}
	if verb != "" {
		text += ": " + c.Hint(verb)
	}
	return code, text
}

func judge(err error) (code int, advice, verb string) {
	code = ExitIO
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			code, advice, verb = o.code, o.advice, o.verb
			break
		}
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		if f.Advice != "" || f.Verb != "" || f.Code != 0 {
			advice, verb = f.Advice, f.Verb
		}
		if f.Code != 0 {
			code = f.Code
		}
	}
	return code, advice, verb
}
