package cli

import (
	"errors"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/keycache"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/spf13/cobra"
)

// fetchFlags are the flags of the verbs that fetch keys from a URL.
type fetchFlags struct {
	timeout      lifetime
	contentTypes contentTypes
	headerFile   string

	header   *keycache.Header // the content of headerFile; nil without --header-file
	ofIssuer string           // the URL in jwks fetch --issuer; empty for all other verbs
}

func (f *fetchFlags) add(cmd *cobra.Command) {
	f.timeout = lifetime(jwks.DefaultTimeout)
	flags := cmd.Flags()
	flags.Var(&f.timeout, "timeout", "how long fetching keys from a URL may take: 5s")
	flags.Var(&f.contentTypes, "allow-content-type", "media `TYPE` under which a URL labels its keys by mistake: text/plain; may be repeated")
	flags.StringVar(&f.headerFile, "header-file", "", "`FILE` with a line such as Authorization: Bearer TOKEN, for the server of the URL alone")
	withoutFiles(cmd, "timeout", "allow-content-type")
}

// contentTypes is a flag that names a media type, and may be repeated.
type contentTypes []string

func (c *contentTypes) Type() string   { return "TYPE" }
func (c *contentTypes) String() string { return strings.Join(*c, ",") }
func (c *contentTypes) Set(s string) error {
	// NewRemote checks the type, and fetches nothing.
	if _, err := jwks.NewRemote(jwks.RemoteConfig{URL: "https://localhost", AllowContentType: []string{s}}); err != nil {
		return errors.New("must be a media type such as text/plain, without parameters and without wildcards")
	}
	*c = append(*c, s)
	return nil
}

// readHeader reads --header-file. The header is sent only to the servers of the URLs among places.
func (f *fetchFlags) readHeader(places ...string) error {
	if f.headerFile == "" {
		return nil
	}
	var err error
	f.header, err = keycache.ReadHeader(f.headerFile, places...)
	return err
}

// fetch returns the settings for a fetch of keys that the flags give.
func (f fetchFlags) fetch() keycache.Fetch {
	return keycache.Fetch{Timeout: time.Duration(f.timeout), ContentTypes: f.contentTypes, Header: f.header, Issuer: f.ofIssuer}
}
