package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/open"
)

type openFlags struct {
	trustFlags
	audience                        string
	selective, visibleOnly, explain bool
	require                         nameList
	at                              instant
	maxLifetime                     lifetime
	fetchFlags
	bulkFlags
}

func (a *app) openCommand() *cobra.Command {
	var f openFlags
	cmd := &cobra.Command{
		Use:   "open [FILE|-]",
		Short: "Open a sealed token: decrypt, verify, check, and print its claims",
		Long: `Reads a token, decrypts it with your ring, verifies the signature of the issuer
and checks every claim. Prints the claims as one line of JSON, or nothing. Without
--trust only tokens that your own ring has signed are taken. Its FILE holds a JWK Set,
or one key: a JWK, PEM, or a certificate, of which the key is used and nothing judged.
A single key without kid is for tokens of any kid.

Which form a token has is never guessed: --selective takes those with single sealed
claims, and no others, and prints the visible claims and what was sealed to you. A
gateway, which has no ring, adds --visible-only and --trust.

With --jsonl each line of the input is one token, and the same line of the result its
claims. All cores work, and memory does not grow with the input. A token that is
refused, or an empty line, is named on stderr, the first 20 of them, its line of the
result is empty, and the others go on. The exit code is that of the lines that failed, or 1
if theirs differ. To go on with such a run after it was stopped, see seal --help:

  sealjwt open --jsonl … --skip $(wc -l <claims) tokens >>claims`,
		Example: `  sealjwt open --iss https://id.example.com --aud https://api.example.com token
  sealjwt open --trust id.jwks --iss https://id.example.com --aud https://api.example.com <token
  sealjwt open --aud https://api.example.com --trust https://id.example.com=id.jwks --trust https://other.example.com=other.jwks token
  sealjwt open --selective --visible-only --trust id.jwks --iss https://id.example.com --aud https://api.example.com token`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
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
	flags.Lookup("max-lifetime").DefValue = "" // which the text tells
	f.fetchFlags.add(cmd)
	f.bulkFlags.add(cmd, "one token a line, one line of claims each")
	withoutFiles(cmd, "aud", "insecure-at", "max-lifetime")
	return cmd
}

func (f openFlags) check() error {
	switch {
	case f.issuer == "" && len(f.places) == 0 || f.audience == "":
		return console.Usagef("open needs to know whom to trust and who we are: sealjwt open --iss https://id.example.com --aud https://api.example.com")
	case f.visibleOnly && !f.selective:
		return console.Usagef("--visible-only is for selective tokens: add --selective")
	case f.visibleOnly && len(f.require.names) > 0:
		return console.Usagef("--require names sealed claims, and --visible-only reads none: leave one of them out")
	case f.explain && f.jsonl:
		return console.Usagef("--explain explains a single token: leave --jsonl out, and give it that line alone")
	}
	if err := f.trustFlags.check(f.selective); err != nil {
		return err
	}
	return f.bulkFlags.check()
}

func (a *app) open(ctx context.Context, args []string, f openFlags) error {
	// To its end before anything else: seal --init at the other end of the pipe
	// may be making the ring just now.
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

// openConfig is the configuration of an opener of any kind.
type openConfig struct {
	open.Config
	selective, visibleOnly bool
}

func (c openConfig) opener() (*open.Opener, error) {
	switch {
	case c.visibleOnly:
		return open.NewGateway(open.GatewayConfig{Audiences: []string{c.Audience}, Trust: c.Trust, Limits: c.Limits})
	case c.selective:
		return open.NewSelective(open.SelectiveConfig{
			Audience: c.Audience, Trust: c.Trust, Decryption: c.Decryption, Require: c.Require, Limits: c.Limits,
		})
	}
	return open.New(c.Config)
}

// openConfig opens the ring, unless neither its private nor its public keys are
// needed: a gateway that knows its issuer has none.
func (a *app) openConfig(ctx context.Context, f openFlags) (openConfig, error) {
	_, missing := f.missing()
	cfg := openConfig{
		Config: open.Config{
			Audience: f.audience, Require: f.require.names, AllowMissing: missing, Limits: open.Limits{MaxHeader: int(f.maxHeader)},
		},
		selective: f.selective, visibleOnly: f.visibleOnly,
	}
	var err error
	if cfg.Trust, err = a.trust(ctx, f); err != nil {
		return cfg, err
	}
	if f.trustsRing() || !f.visibleOnly {
		ring, err := a.openRing(ctx)
		if err != nil {
			return cfg, err
		}
		if f.trustsRing() {
			cfg.Trust[0].Keys = ring
		}
		if !f.visibleOnly {
			cfg.Decryption = ring
		}
		// Our keys are kept for tokens of this lifetime, so they may have it.
		policy, err := ring.Policy(ctx)
		if err != nil {
			return cfg, err
		}
		cfg.Limits.MaxLifetime = max(open.DefaultMaxLifetime, policy.TokenLifetime)
	}
	if f.maxLifetime > 0 {
		cfg.Limits.MaxLifetime = time.Duration(f.maxLifetime)
	}
	return cfg, nil
}

func (a *app) openToken(ctx context.Context, cfg openConfig, token string, f openFlags) error {
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

// openOne opens a token. Its claims are one line of JSON, as they are spelled.
func (f openFlags) openOne(ctx context.Context, opener *open.Opener, token string) (tok *open.Token, claims []byte, err error) {
	if f.at.given {
		tok, err = opener.OpenAt(ctx, token, f.at.time)
	} else {
		tok, err = opener.Open(ctx, token)
	}
	if err != nil {
		return nil, nil, explainRefusal(err, token, f)
	}
	text, err := open.ClaimsOf[json.RawMessage](tok)
	if err != nil {
		return nil, nil, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return nil, nil, err
	}
	return tok, line.Bytes(), nil
}
