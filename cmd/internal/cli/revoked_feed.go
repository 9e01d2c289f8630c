package cli

import (
	"context"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/spf13/cobra"
)

// feedFlags say whose feed is read, and with which keys it is verified.
type feedFlags struct {
	issuer, trust string
	fetchFlags
}

func (f *feedFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.issuer, "iss", "", "the issuer of the feed, a `URL` as its tokens spell it; required")
	flags.StringVar(&f.trust, "trust", "", "keys of the issuer, a `PLACE`: file or URL (default: your own ring)")
	f.fetchFlags.add(cmd)
	withoutFiles(cmd, "iss")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) != 1 || args[0] == "":
			return console.Usagef("give the URL of one feed: %s https://id.example.com/revoked --iss https://id.example.com", cmd.CommandPath())
		case f.issuer == "":
			return console.Usagef("--iss is missing: the issuer of the feed, as its tokens spell it")
		}
		return nil
	}
}

// follow returns the Remote of the feed at a URL.
func (a *App) follow(ctx context.Context, url string, f feedFlags) (*sessions.Remote, error) {
	if err := f.readHeader(url, f.trust); err != nil {
		return nil, err
	}
	cfg := sessions.RemoteConfig{URL: url, Issuer: f.issuer, Transport: f.header.Transport(url), Keys: new(keys.PublicSet)}
	// The URL is checked first: for a URL that is refused, neither keys are fetched nor the ring is
	// opened.
	if _, err := sessions.NewRemote(cfg); err != nil {
		return nil, err
	}
	var err error
	if f.trust == "" {
		cfg.Keys, err = a.openRing(ctx)
	} else {
		cfg.Keys, err = a.publicKeys(ctx, f.trust, keys.UseSig, f.fetchFlags)
	}
	if err != nil {
		return nil, err
	}
	return sessions.NewRemote(cfg)
}
