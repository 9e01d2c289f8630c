package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
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

func (f openFlags) check(cmd *cobra.Command, args []string) error {
	var flags, lacks []string
	if f.issuer == "" && len(f.places) == 0 {
		flags, lacks = append(flags, "--iss (whom to trust)"), append(lacks, " --iss https://id.example.com")
	}
	if f.audience == "" {
		flags, lacks = append(flags, "--aud (who we are)"), append(lacks, " --aud https://api.example.com")
	}
	switch {
	case lacks != nil:
		return console.Usagef("%s missing: %s", strings.Join(flags, " and ")+isOrAre[len(flags)], completed(cmd, args, strings.Join(lacks, "")))
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

// isOrAre is the verb behind one or two flags, by their number.
var isOrAre = []string{1: " is", 2: " are"}

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

// openConfig returns the configuration that the flags ask for. It opens the ring, unless neither
// private nor public keys of the ring are needed: a gateway with --trust needs no ring.
func (a *App) openConfig(ctx context.Context, f openFlags) (openConfig, error) {
	_, missing := f.missing()
	cfg := openConfig{
		Config: open.Config{
			Audience: f.audience, Require: f.require.names, AllowMissing: missing, Limits: open.Limits{MaxHeader: int(f.maxHeader)},
		},
		selective: f.selective, visibleOnly: f.visibleOnly,
	}
	var err error
	if cfg.Trust, err = a.trust(ctx, f.trustFlags, f.fetchFlags); err != nil {
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
		// The ring keeps its keys for tokens that live as long as its policy allows, so the opener
		// accepts them.
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

// openOne opens a token, and returns its claims as one line of JSON. It changes nothing in them but
// the white space and the characters that a terminal would obey, which it escapes.
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
	return tok, console.PrintableJSON(line.Bytes()), nil
}
