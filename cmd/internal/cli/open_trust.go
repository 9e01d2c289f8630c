package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// trustFlags say whose tokens are taken, and what those tokens may lack.
type trustFlags struct {
	places       []string // as typed
	issuer, typ  string
	allowMissing nameList
	maxHeader    headerSize
}

// trusted is an issuer and where its keys are.
type trusted struct {
	issuer string
	place  string // empty for our own ring
}

func (f *trustFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.places, "trust", nil,
		"keys of the issuer, a `PLACE`: file or URL (default: your own ring); without --iss, ISS=PLACE, and repeated for several issuers")
	flags.StringVar(&f.issuer, "iss", "", "the issuer to trust, a `URL` as the token spells it; required, unless each --trust has it")
	flags.StringVar(&f.typ, "typ", "", "`TYPE` of the signed token (default "+open.DefaultType+"; with --selective "+open.DefaultSelectiveType+")")
	addNames(cmd, &f.allowMissing, "allow-missing", "`MEMBERS` that the issuer's tokens may lack: typ (add --require), cty, kid, exp", missingNames...)
	flags.Var(&f.maxHeader, "max-header", "longest header in `BYTES`, up to 16384 (default 4096)")
	flags.Lookup("max-header").DefValue = ""
	withoutFiles(cmd, "iss", "typ", "max-header")
}

func (f trustFlags) check(selective bool) error {
	switch {
	case len(f.places) > 1 && f.issuer != "":
		return console.Usagef("--iss names one issuer, and --trust is given %d times: leave --iss out, and write each as --trust ISS=PLACE", len(f.places))
	case len(f.places) > 1 && len(f.allowMissing.names) > 0:
		return console.Usagef("--allow-missing would hold for all of %d issuers: open the tokens of that issuer alone, with a single --trust", len(f.places))
	case selective && slices.Contains(f.allowMissing.names, "cty"):
		return console.Usagef("--allow-missing cty is for nested tokens: leave cty out, or --selective")
	}
	_, err := f.issuers()
	return err
}

// issuers returns the trusted issuers. With --iss the whole value of --trust is a place, so a URL
// there may hold an equals sign.
func (f trustFlags) issuers() ([]trusted, error) {
	if f.issuer != "" {
		t := trusted{issuer: f.issuer}
		if len(f.places) == 1 {
			t.place = f.places[0]
		}
		return []trusted{t}, nil
	}
	var all []trusted
	for _, value := range f.places {
		issuer, place, ok := strings.Cut(value, "=")
		switch {
		case !ok || issuer == "" || place == "":
			return nil, console.Usagef("--trust %s names no issuer: write --trust ISS=PLACE, or name the issuer with --iss", console.Printable(value))
		case slices.ContainsFunc(all, func(t trusted) bool { return t.issuer == issuer }):
			return nil, console.Usagef("--trust names the issuer %s twice: give one place for each", console.Printable(issuer))
		}
		all = append(all, trusted{issuer, place})
	}
	return all, nil
}

// trust returns the issuers with their public keys. An issuer without a place has no keys yet:
// openConfig gives it the keys of our own ring.
func (a *App) trust(ctx context.Context, f trustFlags, fetch fetchFlags) ([]open.Issuer, error) {
	named, err := f.issuers()
	if err != nil {
		return nil, err
	}
	var places []string
	for _, t := range named {
		places = append(places, t.place)
	}
	if err := fetch.readHeader(places...); err != nil {
		return nil, err
	}
	missing, _ := f.missing()
	var issuers []open.Issuer
	for _, t := range named {
		issuer := open.Issuer{ID: t.issuer, Type: f.typ, AllowMissing: missing}
		if t.place != "" {
			if issuer.Keys, err = a.publicKeys(ctx, t.place, keys.UseSig, fetch); err != nil {
				return nil, err
			}
		}
		issuers = append(issuers, issuer)
	}
	return issuers, nil
}

// trustsRing reports whether the keys of the issuer are in our own ring.
func (f trustFlags) trustsRing() bool { return len(f.places) == 0 }

// missingNames are the members that --allow-missing takes, by their names in a token.
var missingNames = []string{"typ", "cty", "kid", "exp"}

// missing returns what the flags allow a token to lack. For package open the kid is two things: the
// issuer's kid of the signature, and our kid of the encryption.
func (f trustFlags) missing() (issuer, config open.Missing) {
	for _, name := range f.allowMissing.names {
		switch name {
		case "typ":
			issuer |= open.Type
		case "exp":
			issuer |= open.Expiry
		case "cty":
			config |= open.ContentType
		case "kid":
			issuer |= open.KeyID
			config |= open.KeyID
		}
	}
	return issuer, config
}

// maxHeader is the largest limit that the library takes.
const maxHeader = 16 << 10

// headerSize is the longest header in bytes.
type headerSize int

func (s *headerSize) Type() string   { return "BYTES" }
func (s *headerSize) String() string { return strconv.Itoa(int(*s)) }
func (s *headerSize) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxHeader {
		return fmt.Errorf("must be a number of bytes up to %d, such as 8192", maxHeader)
	}
	*s = headerSize(n)
	return nil
}
