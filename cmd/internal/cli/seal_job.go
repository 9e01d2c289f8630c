package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/spf13/cobra"
)

// sealFlags are all flags of seal.
type sealFlags struct {
	claimsFlags
	to                                []string
	enc                               suiteList
	selective                         bool
	visible, replicate, allowReadable nameList
	pad                               padding
	typ                               string
	ttl                               lifetime
	init                              bool
	fetchFlags
	bulkFlags
}

func (f *sealFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.to, "to", nil,
		"public keys of the recipient, a file or URL at a `PLACE`; NAMES=PLACE with --selective (default: the keys of your own ring)")
	addSuites(cmd, &f.enc, "enc", keys.UseEnc, "`ALGS` that may be used for the recipients, the preferred first, and what a key without alg is for")
	flags.StringVar(&f.issuer, "iss", "", "the issuer: you, usually an https `URL`")
	flags.StringArrayVar(&f.audiences, "aud", nil, "the audience: the recipient's name, usually a `URL`; with several --to once, or once for each")
	flags.StringVar(&f.subject, "sub", "", "the subject: an `ID` of whom the claims are about")
	flags.Var(&f.ttl, "ttl", "how long the token lives: 15m, 1h30m, 30d")
	flags.BoolVar(&f.selective, "selective", false, "leave a signed token, and seal single claims in it")
	addNames(cmd, &f.visible, "visible", "`NAMES` of the claims that --selective leaves in clear: scope,roles")
	addNames(cmd, &f.replicate, "replicate", "`NAMES` of the claims that routers read in the header of a nested token: iss,aud", "iss", "sub", "aud")
	flags.Var(&f.pad, "pad", "round the size of the claims up to a multiple of `BYTES`, to hide it: 256")
	addNames(cmd, &f.allowReadable, "allow-readable", "`NAMES` of what may stay readable though it looks like personal data: sub,kid")
	flags.StringVar(&f.typ, "typ", "", "`TYPE` of the signed token (default "+seal.DefaultType+"; with --selective "+seal.DefaultSelectiveType+")")
	flags.BoolVar(&f.init, "init", false, "make a ring and its key file if there is no ring yet")
	f.fetchFlags.add(cmd)
	f.bulkFlags.add(cmd, "one claims object a line, one token a line")
	withoutFiles(cmd, "iss", "aud", "sub", "ttl", "pad", "typ")
}

// checkForm refuses flags that do not fit the form of the token, nested or selective.
func (f sealFlags) checkForm(to []recipient) error {
	if f.selective {
		return f.checkSelective(to)
	}
	switch {
	case len(f.visible.names) > 0:
		return console.Usagef("--visible is for the selective form: add --selective")
	case len(to) > 1:
		return console.Usagef("a nested token has one recipient, and --to names %d: add --selective, or seal once for each", len(to))
	}
	return nil
}

func (f sealFlags) checkSelective(to []recipient) error {
	if len(f.replicate.names) > 0 {
		return console.Usagef("--replicate is for the nested form: leave it out; in a selective token iss, sub and aud are readable anyway")
	}
	for _, r := range to {
		for _, name := range r.claims {
			if slices.Contains(f.visible.names, name) {
				return console.Usagef("%q stands in --visible, which leaves it readable, and in --to %s: take it out of one of them", name, console.WithoutSecrets(r.path))
			}
		}
	}
	return nil
}

// checkAudiences lets one audience stand for all recipients, or wants one audience for each of
// them, in their order.
func (f sealFlags) checkAudiences(audiences []string, to []recipient) error {
	switch {
	case len(audiences) == 1:
		return nil
	case !f.selective:
		return console.Usagef("a nested token has one audience, and here are %d: seal once for each, or add --selective", len(audiences))
	case len(audiences) != len(to):
		return console.Usagef("%d audiences and %s: give one --aud for all of them, or one for each --to, in the same order",
			len(audiences), console.Count(int64(max(1, len(to))), "recipient"))
	}
	return nil
}

// recipientKeys returns the public keys at the place of a --to. It returns an error if none of them
// suits --enc, or the selective form, which needs a kid.
func (a *App) recipientKeys(ctx context.Context, place string, f sealFlags) (keys.PublicSource, error) {
	source, err := a.publicKeys(ctx, place, keys.UseEnc, f.fetchFlags)
	if err != nil {
		return nil, err
	}
	set, err := source.PublicKeys(ctx, "")
	if err != nil {
		return nil, err
	}
	place = console.WithoutSecrets(place)
	k, err := set.EncryptionKey(f.enc.suites...)
	if err != nil {
		return nil, &console.Failure{Err: fmt.Errorf("%s: %w", place, err), Advice: "name in --enc an algorithm that it has, or ask the other party for such a key"}
	}
	if f.selective && k.ID() == "" {
		err := fmt.Errorf("%s: %w: its key has no kid, and the recipient of a selective token finds by kid what is sealed to it", place, keys.ErrNoKey)
		return nil, &console.Failure{Err: err, Advice: "ask the other party to publish a kid, or leave out --selective"}
	}
	return source, nil
}

// recipients returns the recipients of a token: the ring itself if --to names none.
func (j sealJob) recipients(ring *keyring.Ring) []seal.SelectiveRecipient {
	if len(j.to) == 0 {
		return []seal.SelectiveRecipient{{Audience: j.file.audiences[0], Keys: ring, Suites: j.flags.enc.suites}}
	}
	var list []seal.SelectiveRecipient
	for i, r := range j.to {
		audience := j.file.audiences[0]
		if len(j.file.audiences) > 1 {
			audience = j.file.audiences[i]
		}
		list = append(list, seal.SelectiveRecipient{Audience: audience, Keys: r.keys, Suites: j.flags.enc.suites, Reads: r.claims, ReadsAll: r.all})
	}
	return list
}

// sealJob holds all that is needed to make a token, except the ring.
type sealJob struct {
	flags sealFlags
	file  claimsFile
	to    []recipient // none: the ring itself
}

func (j sealJob) run(ctx context.Context, ring *keyring.Ring) (string, error) {
	sealer, err := j.sealer(ring)
	if err != nil {
		return "", err
	}
	token, err := sealer.Seal(ctx, j.file.claims)
	if err != nil {
		return "", inFlags(err)
	}
	return token, nil
}

// trial seals once with a ring, to find an error before anything is made. With --jsonl it seals an
// empty object in place of the claims, so an error about the claims does not count.
func (j sealJob) trial(ctx context.Context, ring *keyring.Ring) error {
	_, err := j.run(ctx, ring)
	if j.flags.jsonl && errors.Is(err, seal.ErrClaims) {
		return nil
	}
	return err
}

func (j sealJob) sealer(ring *keyring.Ring) (*seal.Sealer, error) {
	recipients, limits := j.recipients(ring), seal.Limits{Lifetime: time.Duration(j.flags.ttl), Pad: int(j.flags.pad)}
	var sealer *seal.Sealer
	var err error
	if j.flags.selective {
		sealer, err = seal.NewSelective(seal.SelectiveConfig{
			Issuer: j.file.issuer, Signing: ring, Recipients: recipients, Visible: j.flags.visible.names,
			Type: j.flags.typ, AllowReadable: j.flags.allowReadable.names, Limits: limits,
		})
	} else {
		sealer, err = seal.New(seal.Config{
			Issuer: j.file.issuer, Signing: ring, Recipient: seal.Recipient{Audience: recipients[0].Audience, Keys: recipients[0].Keys, Suites: recipients[0].Suites},
			Replicate: j.flags.replicate.names, Type: j.flags.typ, AllowReadable: j.flags.allowReadable.names, Limits: limits,
		})
	}
	if err != nil {
		return nil, inFlags(err)
	}
	return sealer, nil
}

// advise adds advice to the error that the ring has no key for the job. With --to it adds none: the
// key that is missing may be the recipient's.
func (j sealJob) advise(err error) error {
	if len(j.to) > 0 || !errors.Is(err, keys.ErrNoKey) {
		return err
	}
	return &console.Failure{Err: err, Verb: "keys list",
		Advice: "to seal to another party, give the recipient's JWK Set with --to FILE or --to URL; see what this ring holds with"}
}
