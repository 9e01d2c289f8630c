package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/seal"
)

func (a *App) sealCommand() *cobra.Command {
	f := sealFlags{ttl: lifetime(seal.DefaultLifetime)}
	cmd := &cobra.Command{
		Use:   "seal [FILE|-]",
		Short: "Seal claims into a token that only their recipient can read",
		Long: `Reads claims, one JSON object, signs them, encrypts the signed token to the
recipient and prints the result. iss, aud, sub, nbf and jti may stand in the file;
iat and exp are written here. Without --to the token is sealed to your own ring.

With --selective the token is a signed one that every gateway can verify and route.
Claims that --visible names and the registered claims stand in it in clear, readable
without a key. Every other claim is encrypted to the recipients that may read it:

  --to email,name=PLACE   these claims, each of which must be there
  --to '*=PLACE'          all claims that are not visible

The first = ends the names, so a name can be a URI, and the place can hold a = too. Names
that hold a = or a comma cannot be listed. Without --selective all of --to is the place.

PLACE is a file that holds a JWK Set, or one key: a JWK, PEM, or a certificate, whose key
alone counts. It may be the https URL of a JWK Set, as in --trust of open. The set is
fetched when its max-age is almost over, and kept in ~/.cache/sealjwt: while it cannot be
fetched, the copy is used until it is an hour old.

One audience is for all recipients. Of several, each recipient has one, in the order of
--to.

With --jsonl each line of the input is one claims object, and the same line of the
result its token. All cores work, and memory does not grow with the input. --iss and
--aud hold for all lines; a line that has others is wrong, and so is an empty line.
A line that is wrong is named on stderr, the first 20 of them, its line of the result
is empty, and the others go on. The exit code is the code of the lines that failed, or 1
if their codes differ.

Ctrl-C stops such a run after the lines at work, and says how to go on. However it was
stopped, the number of lines in the result is the number to skip:

  sealjwt seal --jsonl … --skip $(wc -l <tokens) claims.jsonl >>tokens

A run that was killed, and a full disk, can leave a part of a line at the end of the
result. Cut it off first:

  head -n $(wc -l <tokens) tokens >whole && mv whole tokens`,
		Example: `  sealjwt seal --init --iss https://id.example.com --aud https://api.example.com claims.json
  sealjwt seal --to api.jwks --iss https://id.example.com --aud https://api.example.com <claims.json
  sealjwt seal --selective --visible scope --to email,address=billing.jwks --to email,national_id=kyc.jwks \
    --iss https://id.example.com --aud https://api.example.com claims.json
  sealjwt seal --jsonl --iss https://id.example.com --aud https://api.example.com claims.jsonl >tokens`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.bulkFlags.check(); err != nil {
				return err
			}
			if f.jsonl {
				return a.sealLines(cmd.Context(), args, f)
			}
			return a.seal(cmd.Context(), args, f)
		},
	}
	f.add(cmd)
	return cmd
}

func (a *App) seal(ctx context.Context, args []string, f sealFlags) error {
	job, err := a.sealJob(ctx, f, func() (claimsFile, error) { return a.readClaims(args, f.claimsFlags) })
	if err != nil {
		return err
	}
	ring, err := a.sealingRing(ctx, job)
	if err != nil {
		return err
	}
	token, err := job.run(ctx, ring)
	if err != nil {
		return job.advise(err)
	}
	return a.Print([]byte(token + "\n"))
}

// sealJob reads and checks the claims and the keys of the recipients. It does not open the ring.
func (a *App) sealJob(ctx context.Context, f sealFlags, claims func() (claimsFile, error)) (sealJob, error) {
	to, err := parseRecipients(f.to, f.selective)
	if err != nil {
		return sealJob{}, err
	}
	if err := f.checkForm(to); err != nil {
		return sealJob{}, err
	}
	file, err := claims()
	if err != nil {
		return sealJob{}, err
	}
	if err := f.checkAudiences(file.audiences, to); err != nil {
		return sealJob{}, err
	}
	if err := f.readHeader(placesOf(to)...); err != nil {
		return sealJob{}, err
	}
	for i := range to {
		if to[i].keys, err = a.recipientKeys(ctx, to[i].path, f); err != nil {
			return sealJob{}, err
		}
	}
	return sealJob{flags: f, file: file, to: to}, nil
}

// sealingRing opens the ring. With --init it makes the ring if there is none.
func (a *App) sealingRing(ctx context.Context, job sealJob) (*keyring.Ring, error) {
	ring, err := a.openRing(ctx)
	if job.flags.init && errors.Is(err, keyring.ErrNoRing) {
		return a.firstRing(ctx, job)
	}
	return ring, err
}

// firstRing makes a ring. Before that it runs the job with a ring in memory, so that bad claims
// cause an error before any file is made.
func (a *App) firstRing(ctx context.Context, job sealJob) (*keyring.Ring, error) {
	kek, err := spareKEK()
	if err != nil {
		return nil, err
	}
	rehearsal, err := keyring.Create(ctx, keyring.Config{Store: keyring.NewMemStore(), KEK: kek})
	if err != nil {
		return nil, err
	}
	if err := job.trial(ctx, rehearsal); err != nil {
		return nil, err
	}
	ring, err := a.createRing(ctx, keyring.Config{})
	if errors.Is(err, keyring.ErrExists) { // another process has made the ring meanwhile
		return a.openRing(ctx)
	}
	return ring, err
}
