package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/spf13/cobra"
)

// errOld is the error of a check that found an old feed. The result is on stdout already.
var errOld = errors.New("the feed is too old")

// feedChecked is the result of revoked check. Durations are in seconds.
type feedChecked struct {
	URL      string    `json:"url"`
	Read     time.Time `json:"read"` // when the issuer last read its store
	Age      float64   `json:"age"`
	MaxAge   int64     `json:"max_age"`
	MaxStale int64     `json:"max_stale"`
	Entries  int       `json:"entries"`
}

func (c feedChecked) Text() []byte {
	return fmt.Appendf(nil, "%s\nread %s, %.1fs ago; %d entries; a verifier refuses every token from an age of %s on\n",
		console.Printable(c.URL), c.Read.UTC().Format(time.RFC3339), c.Age, c.Entries, console.Duration(time.Duration(c.MaxStale)*time.Second))
}

func (a *App) revokedCheckCommand() *cobra.Command {
	var f feedFlags
	maxAge := lifetime(30 * time.Second)
	cmd := &cobra.Command{
		Use:   "check URL",
		Short: "Tell how old a feed is, for monitoring: exit code 7 when it is too old",
		Long: `Fetches the list of ended sessions as a verifier does, verifies it, and tells how long
ago the issuer read its store. When that is longer than --max-age the exit code is 7.`,
		Example: `  sealjwt revoked check https://id.example.com/revoked --iss https://id.example.com --trust id.jwks.json`,
	}
	f.add(cmd)
	output := addOutput(cmd)
	cmd.Flags().Var(&maxAge, "max-age", "the age at which the feed is too old: 30s")
	withoutFiles(cmd, "max-age")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		remote, err := a.follow(cmd.Context(), args[0], f)
		if err != nil {
			return err
		}
		status, err := fetchFeed(cmd.Context(), remote, time.Duration(f.timeout))
		if err != nil {
			return err
		}
		result := feedChecked{
			URL: console.WithoutSecrets(args[0]), Read: status.Date, Age: status.Age.Seconds(), MaxAge: seconds(time.Duration(maxAge)),
			MaxStale: seconds(status.MaxStale), Entries: status.Entries,
		}
		if status.Age > time.Duration(maxAge) {
			err = &console.Failure{Err: errOld, Code: console.ExitDue, Advice: "the issuer cannot read its store, or a cache on the way keeps old lists"}
		}
		return cmp.Or(a.PrintAs(output.value == "json", result), err)
	}
	return cmd
}

// fetchFeed runs a Remote until it has the whole list or received a list that does not verify.
// After the timeout it returns the last error of the Remote.
func fetchFeed(ctx context.Context, remote *sessions.Remote, timeout time.Duration) (sessions.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error
	remote.Run(ctx, func(n sessions.News) {
		if n.Err != nil {
			last = n.Err
		}
		if remote.Status().Synced || errors.Is(n.Err, sessions.ErrFrame) {
			cancel()
		}
	})
	status := remote.Status()
	switch {
	case status.Synced:
		return status, nil
	case last != nil:
		return status, last
	}
	return status, fmt.Errorf("%w within %v", sessions.ErrUnreachable, timeout)
}
