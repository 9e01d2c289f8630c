package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// claimsFlags are the flags that stand for members of the claims file.
type claimsFlags struct{ issuer, audience, subject string }

// sealFlags are all flags of seal.
type sealFlags struct {
	claimsFlags
	to, typ string
	ttl     lifetime
	init    bool
}

func (a *app) sealCommand() *cobra.Command {
	f := sealFlags{ttl: lifetime(seal.DefaultLifetime)}
	cmd := &cobra.Command{
		Use:   "seal [FILE|-]",
		Short: "Seal claims into a token that only their recipient can read",
		Long: `Reads claims, one JSON object, signs them, encrypts the signed token to the
recipient and prints the result. iss, aud, sub, nbf and jti may stand in the file;
iat and exp are written here. Without --to the token is sealed to your own ring.`,
		Example: `  sealjwt seal --init claims.json
  sealjwt seal --to api.jwks.json --iss https://id.example.com --aud https://api.example.com <claims.json`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.seal(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "JWK Set `FILE` of the recipient (default: the public keys of your own ring)")
	flags.StringVar(&f.issuer, "iss", "", "the issuer: you, usually an https `URL`")
	flags.StringVar(&f.audience, "aud", "", "the audience: the recipient's name, usually a `URL`")
	flags.StringVar(&f.subject, "sub", "", "the subject: an `ID` of whom the claims are about")
	flags.Var(&f.ttl, "ttl", "how long the token lives: 15m, 1h30m, 30d")
	flags.StringVar(&f.typ, "typ", "", "`TYPE` of the signed token inside (default "+seal.DefaultType+")")
	flags.BoolVar(&f.init, "init", false, "make a ring and its key file if there is no ring yet")
	return cmd
}

func (a *app) seal(ctx context.Context, args []string, f sealFlags) error {
	file, err := a.readClaims(args, f.claimsFlags)
	if err != nil {
		return err
	}
	job := sealJob{file: file, typ: f.typ, lifetime: time.Duration(f.ttl)}
	if f.to != "" {
		if job.to, err = a.publicSet("to", f.to, keys.UseEnc); err != nil {
			return err
		}
	}
	ring, err := a.openRing(ctx)
	if f.init && errors.Is(err, keys.ErrNoRing) {
		ring, err = a.firstRing(ctx, job)
	}
	if err != nil {
		return err
	}
	token, err := job.run(ctx, ring)
	if job.to == nil && errors.Is(err, keys.ErrNoKey) {
		return &failure{err: err, advice: "to seal to somebody else, give the recipient's JWK Set with --to FILE; what this ring holds shows sealjwt keys list"}
	}
	if err != nil {
		return err
	}
	return a.print([]byte(token + "\n"))
}

// firstRing makes a ring once it is certain that it will do: the job runs with
// a ring in memory first, so that bad claims leave nothing behind.
func (a *app) firstRing(ctx context.Context, job sealJob) (*keys.Ring, error) {
	key := make([]byte, 32)
	rand.Read(key)
	kek, err := keys.RawKey(key)
	if err != nil {
		return nil, err
	}
	rehearsal, err := keys.Create(ctx, keys.MemStore(), kek, keys.RingConfig{})
	if err != nil {
		return nil, err
	}
	if _, err := job.run(ctx, rehearsal); err != nil {
		return nil, err
	}
	ring, err := a.createRing(ctx, keys.RingConfig{})
	if errors.Is(err, keys.ErrExists) { // somebody was faster
		return a.openRing(ctx)
	}
	return ring, err
}

// sealJob is a token to make, with whatever ring.
type sealJob struct {
	file     claimsFile
	typ      string
	lifetime time.Duration
	to       *keys.PublicSet // nil: to the ring itself
}

func (j sealJob) run(ctx context.Context, ring *keys.Ring) (string, error) {
	recipient := seal.Recipient{Audience: j.file.audience, Keys: ring}
	if j.to != nil {
		recipient.Keys = j.to
	}
	sealer, err := seal.New(seal.Config{
		Issuer:     j.file.issuer,
		Lifetime:   j.lifetime,
		Signing:    ring,
		Recipients: []seal.Recipient{recipient},
		Type:       j.typ,
	})
	if err != nil {
		return "", err
	}
	return sealer.Seal(ctx, j.file.claims)
}
