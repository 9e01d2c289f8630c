package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysPolicyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Show or set how long tokens, caches and keys last",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.verbNeeded,
	}
	cmd.AddCommand(a.keysPolicyShowCommand(), a.keysPolicySetCommand())
	return cmd
}

// policyFigures are the durations of a policy, each with its flag and its symbol in the
// documentation.
var policyFigures = []struct {
	flag, symbol, usage string
	standard            time.Duration // of a ring that is made without the flag
	field               func(*keyring.Policy) *time.Duration
}{
	{"token-lifetime", "T", "longest lifetime of a token", time.Hour, func(p *keyring.Policy) *time.Duration { return &p.TokenLifetime }},
	{"leeway", "L", "tolerance of openers on times", time.Minute, func(p *keyring.Policy) *time.Duration { return &p.Leeway }},
	{"clock-skew", "S", "largest difference between any two clocks", time.Minute, func(p *keyring.Policy) *time.Duration { return &p.ClockSkew }},
	{"cache-age", "C", "longest that a party uses a cached JWK Set", 24 * time.Hour, func(p *keyring.Policy) *time.Duration { return &p.CacheAge }},
	{"publish-lag", "D", "from the ring to the published JWK Set", time.Minute, func(p *keyring.Policy) *time.Duration { return &p.PublishLag }},
	{"snapshot-age", "R", "longest that a process uses the ring without reloading it", time.Hour,
		func(p *keyring.Policy) *time.Duration { return &p.SnapshotAge }},
	{"max-age", "", "Cache-Control max-age of the published JWK Set", 5 * time.Minute, func(p *keyring.Policy) *time.Duration { return &p.MaxAge }},
	{"sig-period", "P", "how long a signing key is active", 30 * 24 * time.Hour, func(p *keyring.Policy) *time.Duration { return &p.Sig.Period }},
	{"enc-period", "P", "how long a decryption key is active", 90 * 24 * time.Hour, func(p *keyring.Policy) *time.Duration { return &p.Enc.Period }},
}

// policyFlags are flags that change a policy.
type policyFlags struct {
	cmd      *cobra.Command
	figures  []lifetime
	sig, enc *suiteFlag
}

// addPolicy adds the flags for durations. The caller sets sig and enc.
func addPolicy(cmd *cobra.Command) *policyFlags {
	p := &policyFlags{cmd: cmd, figures: make([]lifetime, len(policyFigures))}
	for i, f := range policyFigures {
		cmd.Flags().Var(&p.figures[i], f.flag, f.usage)
		cmd.Flags().Lookup(f.flag).DefValue = ""
	}
	return p
}

// tellDefaults makes the help show the durations that a new ring gets without these flags.
func (p *policyFlags) tellDefaults() {
	for _, f := range policyFigures {
		p.cmd.Flags().Lookup(f.flag).DefValue = console.Duration(f.standard)
	}
}

func (p *policyFlags) given() bool {
	for _, f := range policyFigures {
		if p.cmd.Flags().Changed(f.flag) {
			return true
		}
	}
	return p.sig.suite != 0 || p.enc.suite != 0
}

func (p *policyFlags) apply(policy *keyring.Policy) {
	for i, f := range policyFigures {
		if p.cmd.Flags().Changed(f.flag) {
			*f.field(policy) = time.Duration(p.figures[i])
		}
	}
	if p.sig.suite != 0 {
		policy.Sig.Suites = []keys.Suite{p.sig.suite}
	}
	if p.enc.suite != 0 {
		policy.Enc.Suites = []keys.Suite{p.enc.suite}
	}
}

func (a *App) keysPolicySetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Change the policy; figures that cannot work together are refused",
		Long: `Changes the figures that are given and keeps the others. Keys that exist keep the
largest figures ever in force for them, so a shorter policy ends nothing early. An
algorithm counts from the next key that is staged.`,
		Example: `  sealjwt keys policy set --token-lifetime 8h --sig-period 60d
  sealjwt keys policy set --sig EdDSA --enc ECDH-ES/X25519`,
		Args: noInput,
	}
	policy := addPolicy(cmd)
	policy.sig = addSuite(cmd, "sig", keys.UseSig, 0, "algorithm of the signing keys, from the next one")
	policy.enc = addSuite(cmd, "enc", keys.UseEnc, 0, "algorithm of the decryption keys, from the next one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !policy.given() {
			return console.Usagef("nothing to set: give a figure, such as --token-lifetime 8h, or see %s keys policy set --help", a.Name)
		}
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		if err := ring.UpdatePolicy(cmd.Context(), policy.apply); err != nil {
			return err
		}
		a.Say("the policy is set; see it with: %s", a.again("keys policy show"))
		return nil
	}
	return cmd
}

func (a *App) keysPolicyShowCommand() *cobra.Command {
	const short = "Show the policy, and the windows that follow from it; JSON has seconds"
	return a.listing("show", short, func(ctx context.Context, ring *keyring.Ring) (any, []byte, error) {
		policy, err := ring.Policy(ctx)
		return policyJSON(policy), policyTable(policy), err
	})
}

func policyTable(p keyring.Policy) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range policyFigures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.flag, f.symbol, console.Duration(*f.field(&p)), f.usage)
	}
	fmt.Fprintf(w, "sig\t\t%s\talgorithm of the next signing key\n", p.Sig.Suites[0])
	fmt.Fprintf(w, "enc\t\t%s\talgorithm of the next decryption key\n", p.Enc.Suites[0])
	for _, window := range windowsOf(p) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", window.name, window.symbol, console.Duration(window.value), window.usage)
	}
	w.Flush()
	return b.Bytes()
}

type namedWindow struct {
	name, symbol string
	value        time.Duration
	usage        string
}

func windowsOf(p keyring.Policy) []namedWindow {
	w := p.Windows()
	return []namedWindow{
		{"sig-ahead", "I1", w.SignAhead, "a signing key is staged so long, or up to twice"},
		{"sig-kept", "I2", w.SignKept, "a retired signing key verifies so long, or twice"},
		{"enc-ahead", "I3", w.EncAhead, "a decryption key is staged so long, or up to twice"},
		{"enc-kept", "I4", w.EncKept, "a retired decryption key opens so long, or twice"},
	}
}

// policyJSON returns the policy and its windows for JSON, with durations in seconds.
func policyJSON(p keyring.Policy) map[string]any {
	figures, windows := make(map[string]any), make(map[string]any)
	member := func(name string) string { return strings.ReplaceAll(name, "-", "_") }
	for _, f := range policyFigures {
		figures[member(f.flag)] = f.field(&p).Seconds()
	}
	for _, w := range windowsOf(p) {
		windows[member(w.name)] = w.value.Seconds()
	}
	figures["sig"], figures["enc"] = p.Sig.Suites[0], p.Enc.Suites[0]
	return map[string]any{"policy": figures, "windows": windows}
}
