package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/lines"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/open"
)

// openLines opens the token in each line.
func (a *App) openLines(ctx context.Context, args []string, f openFlags) error {
	in, closer, err := lines.Open(a.Console, args, int64(f.skip))
	if err != nil {
		return err
	}
	defer closer.Close()
	in.Most = open.DefaultMaxSize
	in.TooLong = fmt.Errorf("%w: more than %d bytes", open.ErrMalformed, open.DefaultMaxSize)
	cfg, err := a.openConfig(ctx, f)
	if err != nil {
		return err
	}
	opener, err := cfg.opener()
	if err != nil {
		return inFlags(err)
	}
	if f.at.given {
		a.Say("times checked as of %s", &f.at)
	}
	return lines.Each(ctx, a.Console, in, "opened", func(ctx context.Context, line []byte) ([]byte, error) {
		if len(line) == 0 {
			return nil, &console.Failure{Err: open.ErrMalformed, Advice: "the line is empty"}
		}
		_, claims, err := f.openOne(ctx, opener, string(line))
		if errors.Is(err, open.ErrKeySource) && !isForOneKey(err) {
			return nil, &lines.Fatal{Err: err}
		}
		return claims, err
	})
}

// isForOneKey reports whether the issuer's keys could not be fetched again for a new or unknown
// kid, while the keys that were fetched before are still good. Then only the tokens with that kid
// fail.
func isForOneKey(err error) bool {
	return errors.Is(err, jwks.ErrFetch) && !errors.Is(err, keys.ErrStale)
}
