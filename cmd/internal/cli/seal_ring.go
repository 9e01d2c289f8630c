package cli

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// sealJob reads the parts of a token, and needs no ring for it.
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

// sealingRing opens the ring, or makes the first one.
func (a *App) sealingRing(ctx context.Context, job sealJob) (*keyring.Ring, error) {
	ring, err := a.openRing(ctx)
	if job.flags.init && errors.Is(err, keyring.ErrNoRing) {
		return a.firstRing(ctx, job)
	}
	return ring, err
}

// firstRing makes a ring once it is certain that it will do: the job runs with
// a ring in memory first, so that bad claims leave nothing behind.
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
	if errors.Is(err, keyring.ErrExists) { // somebody was faster
		return a.openRing(ctx)
	}
	return ring, err
}
