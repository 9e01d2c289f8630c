package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/seal"
)

// checkForm refuses what does not fit the form, in the words of the command line.
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
				return console.Usagef("%q stands in --visible, where everybody reads it, and in --to %s: take it out of one of them", name, console.WithoutSecrets(r.path))
			}
		}
	}
	return nil
}

// checkAudiences: one audience is everybody's; several are those of the recipients,
// one by one.
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

// recipientKeys are the public keys that --to names. It makes sure that there is one that
// --enc and the form allow.
func (a *app) recipientKeys(ctx context.Context, place string, f sealFlags) (keys.PublicSource, error) {
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

// recipients are those of a token: the ring itself if there are no others.
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
