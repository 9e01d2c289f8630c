package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/open"
)

func (a *App) openCommand() *cobra.Command {
	var f openFlags
	cmd := &cobra.Command{
		Use:   "open [FILE|-]",
		Short: "Open a sealed token: decrypt, verify, check, and print its claims",
		Long: `Reads a token, decrypts it with your ring, verifies the signature of the issuer
and checks every claim. Prints the claims as one line of JSON, or nothing. Without
--trust only tokens that your own ring has signed are taken. A PLACE is a URL of a JWK
Set, or a file with a JWK Set or one key: a JWK, PEM, or a certificate, of which the key
is used and nothing judged. A single key without kid is for tokens of any kid.

Which form a token has is never guessed: --selective takes those with single sealed
claims, and no others, and prints the visible claims and what was sealed to you. A
gateway, which has no ring, adds --visible-only and --trust.

With --jsonl each line of the input is one token, and the same line of the result its
claims. All cores work, and memory does not grow with the input. A token that is
refused, or an empty line, is named on stderr, the first 20 of them, its line of the
result is empty, and the others go on. The exit code is the code of the lines that
failed, or 1 if their codes differ. To go on with such a run after it was stopped, see
seal --help:

  sealjwt open --jsonl … --skip $(wc -l <claims) tokens >>claims`,
		Example: `  sealjwt open --iss https://id.example.com --aud https://api.example.com token
  sealjwt open --trust id.jwks --iss https://id.example.com --aud https://api.example.com <token
  sealjwt open --aud https://api.example.com --trust https://id.example.com=id.jwks --trust https://other.example.com=other.jwks token
  sealjwt open --selective --visible-only --trust id.jwks --iss https://id.example.com --aud https://api.example.com token`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			if f.jsonl {
				return a.openLines(cmd.Context(), args, f)
			}
			return a.open(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	f.trustFlags.add(cmd)
	flags.StringVar(&f.audience, "aud", "", "the audience: your own name, a `URL` as the token spells it; required")
	flags.BoolVar(&f.selective, "selective", false, "take a signed token with single sealed claims, instead of a nested one")
	flags.BoolVar(&f.visibleOnly, "visible-only", false, "with --selective: for a gateway, read what is in clear and decrypt nothing")
	addNames(cmd, &f.require, "require", "`NAMES` of claims that must be there, and must have been sealed: email")
	flags.BoolVar(&f.explain, "explain", false, "say on stderr where each claim came from, or why in full the token was refused")
	flags.Var(&f.at, "insecure-at", "check times as of then, which takes expired tokens: RFC 3339, or seconds since 1970")
	flags.Var(&f.maxLifetime, "max-lifetime", "take tokens that live as long as this: 8h (default: 1h, or the T of your ring's policy if that is longer)")
	flags.Lookup("max-lifetime").DefValue = "" // the usage text tells the default
	f.fetchFlags.add(cmd)
	f.bulkFlags.add(cmd, "one token a line, one line of claims each")
	withoutFiles(cmd, "aud", "insecure-at", "max-lifetime")
	return cmd
}

func (a *App) open(ctx context.Context, args []string, f openFlags) error {
	// Read reads the input to its end before the ring is opened: seal --init at the other end of
	// the pipe may be making the ring just now.
	in, err := a.Read(args, open.DefaultMaxSize)
	if errors.Is(err, console.ErrTooLong) {
		return fmt.Errorf("%w: more than %d bytes", open.ErrMalformed, open.DefaultMaxSize)
	}
	if err != nil {
		return err
	}
	cfg, err := a.openConfig(ctx, f)
	if err != nil {
		return err
	}
	return a.openToken(ctx, cfg, string(in.Data), f)
}

func (a *App) openToken(ctx context.Context, cfg openConfig, token string, f openFlags) error {
	opener, err := cfg.opener()
	if err != nil {
		return inFlags(err)
	}
	tok, claims, err := f.openOne(ctx, opener, token)
	if err != nil {
		return err
	}
	if f.at.given {
		a.Say("times checked as of %s", &f.at)
	}
	if err := a.Print(append(claims, '\n')); err != nil || !f.explain {
		return err
	}
	return a.explainOpened(tok, token, claims)
}
