package cli

import (
	"bytes"
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/keycache"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

func (a *App) jwksFetchCommand() *cobra.Command {
	var f fetchFlags
	cmd := &cobra.Command{
		Use:   "fetch URL",
		Short: "Show what a JWK Set at a URL holds, and what of it can be used",
		Long: `Fetches a JWK Set, past caches on the way that allow it, and shows which keys seal and
open would use, which they pass over and why, and for how long. With --issuer the URL
comes from the issuer's metadata (OpenID Connect Discovery, RFC 8414).

What was fetched replaces the copy in ~/.cache/sealjwt that seal --to URL and open
--trust URL go by: after an emergency, call it to have them forget a revoked key. A copy
that cannot be replaced is removed; if that fails too, the exit code is 1, and it says
which file to remove. An older set, of a cache that is behind, is refused for an hour.

The lines of --header-file go to the server that the URL or --issuer names, over https or
on this machine: not along a redirect to another, nor to the server of the keys if the
issuer names another one. The file must be closed to others, as a key file is.`,
		Example: `  sealjwt jwks fetch https://id.example.com/.well-known/jwks.json
  sealjwt jwks fetch --issuer https://id.example.com
  sealjwt jwks fetch --header-file token.header https://kubernetes.default.svc/openid/v1/jwks
  sealjwt jwks fetch -o jwks --issuer https://id.example.com >id.jwks.json`,
		Args: func(cmd *cobra.Command, args []string) error { return oneURL(cmd, args, f.ofIssuer) },
	}
	output := addChoice(cmd, "output", "o", "text", "how the result is written; jwks is a JWK Set of the usable keys", "text", "json", "jwks")
	cmd.Flags().StringVar(&f.ofIssuer, "issuer", "", "in place of the URL: `URL` of the issuer whose keys they are")
	withoutFiles(cmd, "issuer")
	f.add(cmd)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cache, err := a.keyCache()
		if err != nil {
			return err
		}
		if err := f.readHeader(append(args, f.ofIssuer)...); err != nil {
			return err
		}
		if f.ofIssuer == "" {
			return a.fetch(cmd.Context(), cache, f, args[0], output.value)
		}
		url, err := f.fetch().Discover(cmd.Context())
		if err != nil {
			return err
		}
		return a.fetch(cmd.Context(), cache, f, url, output.value)
	}
	return cmd
}

func oneURL(cmd *cobra.Command, args []string, issuer string) error {
	switch {
	case len(args) > 1 || issuer != "" && len(args) > 0:
		return console.Usagef("give one URL, or --issuer: see %s --help", cmd.CommandPath())
	case issuer == "" && (len(args) == 0 || args[0] == ""):
		return console.Usagef("give the URL of a JWK Set, or --issuer and the URL of the issuer: %s https://id.example.com/.well-known/jwks.json", cmd.CommandPath())
	}
	return nil
}

func (a *App) fetch(ctx context.Context, cache *keycache.Cache, f fetchFlags, url, output string) error {
	got, err := cache.Refresh(ctx, url, f.fetch())
	if err != nil {
		return err
	}
	set := got.Set
	if len(set.Keys()) == 0 {
		a.sayPassedOver(console.WithoutSecrets(url), set)
		return &console.Failure{Err: fmt.Errorf("%s: %w", console.WithoutSecrets(url), keys.ErrNoKey), Code: console.ExitKey, Advice: "ask its owner"}
	}
	if output == "jwks" {
		a.sayPassedOver(console.WithoutSecrets(url), set)
		return a.PrintJSON(set)
	}
	return a.PrintAs(output == "json", newFetched(got, time.Now()))
}

// fetched is the result of jwks fetch. Durations are seconds.
type fetched struct {
	URL          string       `json:"url"`
	Keys         []fetchedKey `json:"keys"`
	Skipped      []skippedKey `json:"skipped"`
	MaxAge       int64        `json:"max_age"`
	RefreshAfter int64        `json:"refresh_after"`
	MaxStale     int64        `json:"max_stale"`
	ETag         string       `json:"etag,omitempty"`
}

type fetchedKey struct {
	ID  string   `json:"kid,omitempty"`
	Use keys.Use `json:"use"`
	Alg string   `json:"alg"`
}

type skippedKey struct {
	Index  int    `json:"index"`
	ID     string `json:"kid,omitempty"`
	Reason string `json:"reason"`
}

// newFetched returns the result of a fetch. It counts the time to the next fetch from now and not
// from Cached.Fetched, which lies in the past if the answer arrived stale.
func newFetched(f jwks.FetchResult, now time.Time) *fetched {
	r := &fetched{
		URL: console.WithoutSecrets(f.Cached.URL), Keys: []fetchedKey{}, Skipped: []skippedKey{},
		MaxAge:       seconds(f.Cached.MaxAge),
		RefreshAfter: seconds(max(0, f.Due.Sub(now)).Round(time.Second)),
		MaxStale:     seconds(jwks.DefaultMaxStale),
		ETag:         f.Cached.ETag,
	}
	for _, k := range f.Set.Keys() {
		r.Keys = append(r.Keys, fetchedKey{k.ID(), k.Use(), k.Suite().String()})
	}
	for _, s := range f.Set.Skipped() {
		r.Skipped = append(r.Skipped, skippedKey{s.Index, s.KeyID, console.Plain(s.Reason)})
	}
	return r
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (r *fetched) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, console.Printable(r.URL))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KID\tUSE\tALG")
	for _, k := range r.Keys {
		fmt.Fprintf(w, "%s\t%s\t%s\n", console.Word(k.ID), k.Use, k.Alg)
	}
	w.Flush()
	for _, s := range r.Skipped {
		kid := ""
		if s.ID != "" {
			kid = " " + console.Word(s.ID)
		}
		fmt.Fprintf(&b, "passed over: key %d%s: %s\n", s.Index, kid, console.Printable(s.Reason))
	}
	text := func(s int64) string { return console.Duration(time.Duration(s) * time.Second) }
	fmt.Fprintf(&b, "max-age %s: asked for again after %s; used until it is %s old while it cannot be fetched\n",
		text(r.MaxAge), text(r.RefreshAfter), text(r.MaxStale))
	if r.ETag != "" {
		fmt.Fprintf(&b, "ETag %s\n", console.Printable(r.ETag))
	}
	return b.Bytes()
}
