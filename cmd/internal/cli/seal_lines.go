package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/lines"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal"
)

// sealLines makes a token of each line. An error that all lines would have comes before the
// first line, and with --init leaves no ring behind.
func (a *App) sealLines(ctx context.Context, args []string, f sealFlags) error {
	job, err := a.sealJob(ctx, f, f.withoutFile)
	if err != nil {
		return err
	}
	in, closer, err := lines.Open(a.Console, args, int64(f.skip))
	if err != nil {
		return err
	}
	defer closer.Close()
	in.Most = maxClaims
	in.TooLong = &console.Failure{Err: fmt.Errorf("%w: more than %d bytes", console.ErrTooLong, maxClaims), Code: console.ExitUsage, Advice: tooMuch}
	ring, err := a.sealingRing(ctx, job)
	if err != nil {
		return err
	}
	if err := job.trial(ctx, ring); err != nil {
		return job.advise(err)
	}
	sealer, err := job.sealer(ring)
	if err != nil {
		return err
	}
	return lines.Each(ctx, a.Console, in, "sealed", func(ctx context.Context, line []byte) ([]byte, error) {
		claims, err := lineClaims(line, f.claimsFlags)
		if err != nil {
			return nil, err
		}
		token, err := sealer.Seal(ctx, claims.claims)
		if err == nil {
			return []byte(token), nil
		}
		if errors.Is(err, seal.ErrClaims) || errors.Is(err, seal.ErrReadable) || errors.Is(err, seal.ErrTooLarge) {
			return nil, inFlags(err)
		}
		return nil, &lines.Fatal{Err: job.advise(err)}
	})
}

// withoutFile returns an empty claims file with the issuer and the audiences of the flags, for
// --jsonl. All lines have the same issuer and audience: a line that could choose them would be
// sealed in the name of another issuer, or for another audience.
func (f sealFlags) withoutFile() (claimsFile, error) {
	if f.issuer == "" || len(f.audiences) == 0 {
		return claimsFile{}, console.Usagef("with --jsonl issuer and audience hold for all lines: " +
			"give --iss https://id.example.com and --aud https://api.example.com")
	}
	return claimsFile{
		issuer:    f.issuer,
		audiences: f.audiences,
		claims:    seal.Claims{Subject: f.subject, Custom: json.RawMessage("{}")},
	}, nil
}

// lineClaims reads the claims of a line.
func lineClaims(line []byte, flags claimsFlags) (claimsFile, error) {
	if len(line) == 0 {
		return claimsFile{}, console.Usagef("empty: give one JSON object with the claims")
	}
	o, err := strict.ParseClaims(line)
	if bad, ok := errors.AsType[*strict.Error](err); ok {
		_, column := position(line, bad.Offset)
		return claimsFile{}, console.Usagef("column %d: %s: %s", column, bad.Reason, oneObject)
	}
	if err != nil {
		return claimsFile{}, console.Usagef("%w", err)
	}
	return takeApart(o, flags)
}
