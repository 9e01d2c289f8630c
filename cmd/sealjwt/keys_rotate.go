package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
)

type rotateFlags struct {
	uses              []keys.Use
	now, skip, dryRun bool
	json              bool
}

func (a *app) keysRotateCommand() *cobra.Command {
	var f rotateFlags
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Do what is due: stage, activate, retire and destroy keys",
		Long: `Does every step of the rotation that is due, and tells what it did and when the
next one is due. Made for cron: nothing happens when nothing is due, and any number
of machines may run it.

With --now the period of the active key ends now. Its successor still waits until
everybody can know it; until then the exit code is 6.`,
		Example: `  sealjwt keys rotate
  sealjwt keys rotate --now --use sig`,
		Args: noInput,
	}
	use := addUse(cmd, "only keys for this use")
	output := addOutput(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.now, "now", false, "end the period of the active key now")
	flags.BoolVar(&f.skip, "insecure-skip-window", false, "with --now: do not wait for those who cannot know the successor yet; their tokens fail")
	flags.BoolVar(&f.dryRun, "dry-run", false, "tell what would be done, and do nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.skip && !f.now {
			return usagef("--insecure-skip-window goes with --now: without it nothing is brought forward")
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

// rotation is what a run did, and what comes next.
type rotation struct {
	DryRun bool        `json:"dry_run,omitempty"`
	Did    []keys.Step `json:"did"`
	Next   keys.Step   `json:"next"`
}

func (a *app) rotate(ctx context.Context, f rotateFlags) error {
	ring, err := a.ringOrCopy(ctx, f.dryRun)
	if err != nil {
		return err
	}
	result := rotation{DryRun: f.dryRun, Did: []keys.Step{}}
	failed := result.run(ctx, ring, f)
	if failed != nil && len(result.Did) == 0 {
		return failed
	}
	// What was done is told even when a later step failed.
	if result.Next, _, err = ring.Next(ctx, f.uses...); err != nil && failed == nil {
		return err
	}
	if f.json {
		err = a.printJSON(result)
	} else {
		err = a.print(result.text())
	}
	if failed != nil {
		return failed
	}
	return err
}

func (r *rotation) run(ctx context.Context, ring *keys.Ring, f rotateFlags) error {
	if f.now {
		held, err := usesOf(ctx, ring, f.uses)
		if err != nil {
			return err
		}
		for _, use := range held {
			step, err := ring.RotateNow(ctx, keys.Force{Use: use, InsecureSkipWindow: f.skip})
			if err != nil {
				return err
			}
			r.add(step)
		}
	}
	for {
		step, err := ring.Rotate(ctx, f.uses...)
		if err != nil || step.Action == keys.Nothing {
			return err
		}
		r.add(step)
	}
}

func (r *rotation) add(step keys.Step) {
	if step.Action != keys.Nothing {
		r.Did = append(r.Did, step)
	}
}

// usesOf leaves out a use for which the ring has no keys, unless it is the only one
// that was asked for: then the library says so.
func usesOf(ctx context.Context, ring *keys.Ring, uses []keys.Use) ([]keys.Use, error) {
	if len(uses) == 1 {
		return uses, nil
	}
	infos, err := ring.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var held []keys.Use
	for _, u := range uses {
		for _, k := range infos {
			if k.Use == u && (k.State == keys.Active || k.State == keys.Staged) {
				held = append(held, u)
				break
			}
		}
	}
	return held, nil
}

func (r *rotation) text() []byte {
	var b bytes.Buffer
	would := ""
	if r.DryRun {
		would = "would: "
	}
	for _, s := range r.Did {
		fmt.Fprintf(&b, "%s%s\n", would, stepText(s, r.DryRun))
	}
	if len(r.Did) == 0 {
		fmt.Fprintln(&b, "nothing is due")
	}
	if r.Next.Action != keys.Nothing {
		fmt.Fprintf(&b, "next: %s at %s\n", stepText(r.Next, true), r.Next.At.UTC().Format(time.RFC3339))
	}
	return b.Bytes()
}

// stepText says a step in words. The kid of a key that is still to be made is left
// out.
func stepText(s keys.Step, toCome bool) string {
	switch s.Action {
	case keys.Stage:
		if s.KeyID == "" || toCome {
			return fmt.Sprintf("stage a new %s key", s.Use)
		}
		return fmt.Sprintf("stage the new %s key %s", s.Use, word(s.KeyID))
	case keys.Activate:
		text := fmt.Sprintf("activate the %s key %s", s.Use, word(s.KeyID))
		if s.Retires != "" {
			text += ", retire " + word(s.Retires)
		}
		return text
	case keys.MarkDue:
		return fmt.Sprintf("mark the %s key %s as due to be destroyed", s.Use, word(s.KeyID))
	case keys.ClearDue:
		return fmt.Sprintf("clear the mark on the %s key %s, set by a clock that is ahead", s.Use, word(s.KeyID))
	case keys.Destroy:
		return fmt.Sprintf("destroy the %s key %s", s.Use, word(s.KeyID))
	}
	return string(s.Action)
}
