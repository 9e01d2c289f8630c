package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

type openFlags struct {
	trust, issuer, audience, typ string
	at                           instant
}

func (a *app) openCommand() *cobra.Command {
	var f openFlags
	cmd := &cobra.Command{
		Use:   "open [FILE|-]",
		Short: "Open a sealed token: decrypt, verify, check, and print its claims",
		Long: `Reads a token, decrypts it with your ring, verifies the signature of the issuer
and checks every claim. Prints the claims as one line of JSON, or nothing. Without
--trust only tokens that your own ring has signed are taken.`,
		Example: `  sealjwt open --iss https://id.example.com --aud https://api.example.com token
  sealjwt open --trust id.jwks.json --iss https://id.example.com --aud https://api.example.com <token`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.trust, "trust", "", "JWK Set `FILE` of the issuer (default: the public keys of your own ring)")
	flags.StringVar(&f.issuer, "iss", "", "the issuer to trust, a `URL` as the token spells it; required")
	flags.StringVar(&f.audience, "aud", "", "the audience: your own name, a `URL` as the token spells it; required")
	flags.StringVar(&f.typ, "typ", "", "`TYPE` of the signed token inside (default "+open.DefaultType+")")
	flags.Var(&f.at, "at", "check times as of then: RFC 3339, or seconds since 1970")
	return cmd
}

func (a *app) open(ctx context.Context, args []string, f openFlags) error {
	if f.issuer == "" || f.audience == "" {
		return usagef("open needs to know whom to trust and who we are: sealjwt open --iss https://id.example.com --aud https://api.example.com")
	}
	// To its end before anything else: seal --init at the other end of the pipe
	// may be making the ring just now.
	in, err := a.read(args, open.DefaultMaxSize+1) // and a line feed
	if errors.Is(err, errTooLong) || len(in.data) > open.DefaultMaxSize {
		return fmt.Errorf("%w: more than %d bytes", open.ErrMalformed, open.DefaultMaxSize)
	}
	if err != nil {
		return err
	}
	cfg := open.Config{Audience: f.audience, Type: f.typ}
	trust := open.Issuer{ID: f.issuer}
	if f.trust != "" {
		if trust.Keys, err = a.publicSet("trust", f.trust, keys.UseSig); err != nil {
			return err
		}
	}
	ring, err := a.openRing(ctx)
	if err != nil {
		return err
	}
	if f.trust == "" {
		trust.Keys = ring
	}
	cfg.Trust, cfg.Decryption = []open.Issuer{trust}, ring
	// Our keys are kept for tokens of this lifetime, so they may have it.
	policy, err := ring.Policy(ctx)
	if err != nil {
		return err
	}
	cfg.MaxLifetime = max(open.DefaultMaxLifetime, policy.TokenLifetime)
	return a.openToken(ctx, cfg, string(in.data), f.at)
}

func (a *app) openToken(ctx context.Context, cfg open.Config, token string, at instant) error {
	opener, err := open.New(cfg)
	if err != nil {
		return err
	}
	var tok *open.Token
	if at.given {
		tok, err = opener.OpenAt(ctx, token, at.time)
	} else {
		tok, err = opener.Open(ctx, token)
	}
	if err != nil {
		return explainRefusal(err, token, at)
	}
	if at.given {
		a.say("times checked as of %s", &at)
	}
	var claims json.RawMessage
	if err := tok.Claims(&claims); err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, claims); err != nil {
		return err
	}
	line.WriteByte('\n')
	return a.print(line.Bytes())
}

// explainRefusal says more than the class of the error where that helps.
func explainRefusal(err error, token string, at instant) error {
	switch {
	case errors.Is(err, open.ErrMalformed):
		return &failure{err: err, advice: whatInstead(token)}
	case at.given && (errors.Is(err, open.ErrExpired) || errors.Is(err, open.ErrNotYetValid)):
		return &failure{err: err, advice: "as of " + at.String() + ", which --at names; try another time"}
	}
	return err
}
