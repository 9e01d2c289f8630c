package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

type rotateFlags struct {
	uses              []keys.Use
	now, skip, dryRun bool
	quiet             bool
	json              bool
}

func (a *App) keysRotateCommand() *cobra.Command {
	var f rotateFlags
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Do what is due: stage, activate, retire and destroy keys",
		Long: `Does every step of the rotation that is due, and tells what it did and when the
next one is due. Made for cron: nothing happens when nothing is due, and any number
of processes may run it. With --quiet it prints nothing when it did nothing, so that
cron sends no mail.

With --now the period of the active key ends now. Its successor still waits until
every party can know it; until then the exit code is 6. Without --use the keys for both
uses change, or neither.`,
		Example: `  sealjwt keys rotate
  sealjwt keys rotate --quiet
  sealjwt keys rotate --now --use sig`,
		Args: noInput,
	}
	use := addUse(cmd, "only keys for this use")
	output := addOutput(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.now, "now", false, "end the period of the active key now")
	flags.BoolVar(&f.skip, "insecure-skip-window", false, "with --now: do not wait for parties that cannot know the successor yet; their tokens fail")
	flags.BoolVar(&f.dryRun, "dry-run", false, "tell what would be done, and do nothing")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing when nothing was done")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.skip && !f.now {
			return console.Usagef("--insecure-skip-window goes with --now: without it nothing is brought forward")
		}
		f.uses = []keys.Use{keys.UseSig, keys.UseEnc}
		if use.value != "" {
			f.uses = []keys.Use{keys.Use(use.value)}
		}
		f.json = output.value == "json"
		return a.rotate(cmd.Context(), f)
	}
	return cmd
}

// rotation lists the steps of a run, and the next step.
type rotation struct {
	DryRun bool           `json:"dry_run,omitempty"`
	Did    []keyring.Step `json:"did"`
	Next   keyring.Step   `json:"next,omitzero"`
}

func (a *App) rotate(ctx context.Context, f rotateFlags) error {
	ring, err := a.ringOrCopy(ctx, f.dryRun)
	if err != nil {
		return err
	}
	result := rotation{DryRun: f.dryRun, Did: []keyring.Step{}}
	if f.now {
		err = a.rotateNow(ctx, ring, f, &result)
	}
	if err == nil {
		err = result.run(ctx, ring, f.uses)
	}
	if err != nil && len(result.Did) == 0 {
		return err
	}
	return a.finish(ctx, ring, f, result, err)
}

// finish prints the steps of the run, even if a later step failed.
func (a *App) finish(ctx context.Context, ring *keyring.Ring, f rotateFlags, result rotation, failed error) error {
	next, _, nextErr := ring.NextStep(ctx, f.uses...)
	result.Next = next
	if f.dryRun {
		result.forgetRehearsed()
	}
	if f.quiet && len(result.Did) == 0 {
		return cmp.Or(failed, nextErr)
	}
	return cmp.Or(failed, a.PrintAs(f.json, &result), nextErr)
}

// rotateNow ends the period of the active key of each use. If a window is not over, it ends none:
// it begins with the use that has to wait longest, so that a user who tries again later does not
// rotate another use twice. Any other error can stop it halfway.
func (a *App) rotateNow(ctx context.Context, ring *keyring.Ring, f rotateFlags, result *rotation) error {
	uses, err := usesOf(ctx, ring, f.uses)
	if err != nil {
		return err
	}
	if len(uses) > 1 && !f.skip {
		if uses, err = a.longestWaitFirst(ctx, uses); err != nil {
			return err
		}
	}
	for _, use := range uses {
		rotate := ring.RotateNow
		if f.skip {
			rotate = ring.RotateNowInsecurely
		}
		step, err := rotate(ctx, use)
		if err != nil {
			return err
		}
		result.add(step)
	}
	return nil
}

func (a *App) longestWaitFirst(ctx context.Context, uses []keys.Use) ([]keys.Use, error) {
	trial, err := a.openCopy(ctx)
	if err != nil {
		return nil, err
	}
	until := make(map[keys.Use]time.Time)
	for _, use := range uses {
		_, err := trial.RotateNow(ctx, use)
		if window, ok := errors.AsType[*keyring.WindowError](err); ok {
			until[use] = window.Until
		} else if err != nil {
			return nil, err
		}
	}
	return slices.SortedStableFunc(slices.Values(uses), func(a, b keys.Use) int {
		return until[b].Compare(until[a])
	}), nil
}

// run takes every step that is due.
func (r *rotation) run(ctx context.Context, ring *keyring.Ring, uses []keys.Use) error {
	for {
		step, err := ring.Rotate(ctx, uses...)
		if err != nil || step.Action == keyring.Nothing {
			return err
		}
		r.add(step)
	}
}

func (r *rotation) add(step keyring.Step) {
	if step.Action != keyring.Nothing {
		step.At = step.At.UTC()
		r.Did = append(r.Did, step)
	}
}

// forgetRehearsed removes the kids of keys that a dry run made: these keys will never exist.
func (r *rotation) forgetRehearsed() {
	made := make(map[string]bool)
	for i, s := range r.Did {
		if s.Action == keyring.Stage {
			made[s.KeyID] = true
		}
		if made[s.KeyID] {
			r.Did[i].KeyID = ""
		}
	}
	if made[r.Next.KeyID] {
		r.Next.KeyID = ""
	}
}

// usesOf returns the uses for which the ring has keys. A single use is returned also without keys:
// then the library returns the error.
func usesOf(ctx context.Context, ring *keyring.Ring, uses []keys.Use) ([]keys.Use, error) {
	if len(uses) == 1 {
		return uses, nil
	}
	infos, err := ring.Keys(ctx)
	if err != nil {
		return nil, err
	}
	inUse := func(k keyring.KeyInfo) bool { return k.State == keyring.Active || k.State == keyring.Staged }
	var held []keys.Use
	for _, u := range uses {
		if slices.ContainsFunc(infos, func(k keyring.KeyInfo) bool { return k.Use == u && inUse(k) }) {
			held = append(held, u)
		}
	}
	return held, nil
}

func (r *rotation) Text() []byte {
	var b bytes.Buffer
	would := ""
	if r.DryRun {
		would = "would: "
	}
	for _, s := range r.Did {
		fmt.Fprintf(&b, "%s%s\n", would, stepText(s))
	}
	if len(r.Did) == 0 {
		fmt.Fprintln(&b, "nothing is due")
	}
	if r.Next.Action != keyring.Nothing && r.Next.Action != "" {
		fmt.Fprintf(&b, "next: %s at %s\n", stepText(r.Next), notBeforeText(r.Next.At))
	}
	return b.Bytes()
}
