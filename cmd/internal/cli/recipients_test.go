package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// The library's advice appears in the words of the command line, with its exit code.
func TestAdviceNamesFlags(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{fmt.Errorf("so: %w", visibleEmail(t)), console.ExitPolicy, `--visible names "email" (e-mail address): seal it, or name it in --allow-readable too`},
		{&seal.ConfigError{Field: "Type", Problem: "must be short"}, console.ExitUsage, "--typ must be short"},
		{&open.ConfigError{Field: "Require", Problem: "names x"}, console.ExitUsage, "--require names x"},
		{&open.ConfigError{Field: "Trust[0].Type", Problem: "must be short"}, console.ExitUsage, "--typ must be short"},
		{fmt.Errorf("%w: a string", seal.ErrClaims), console.ExitUsage, "a string: correct the claims"},
	} {
		err := inFlags(c.err)
		if code, text := describe(err); code != c.code || !strings.HasSuffix(text, c.want) {
			t.Errorf("%v: %d %s", c.err, code, text)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%v is lost", c.err)
		}
	}
}

// visibleEmail returns the library's error for an e-mail address in clear.
func visibleEmail(t *testing.T) error {
	kek, err := spareKEK()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Create(t.Context(), keyring.Config{Store: keyring.NewMemStore(), KEK: kek})
	if err != nil {
		t.Fatal(err)
	}
	_, err = seal.NewSelective(seal.SelectiveConfig{
		Issuer: "https://id.example.com", Signing: ring, Visible: []string{"email"},
		Recipients: []seal.SelectiveRecipient{{Audience: "https://api.example.com", Keys: ring}},
	})
	if !errors.Is(err, seal.ErrReadable) {
		t.Fatal(err)
	}
	return err
}

// The lists of --to reach the library. Without a list a recipient would get all claims, or none.
func TestListsReachTheLibrary(t *testing.T) {
	job := sealJob{file: claimsFile{audiences: []string{"a", "b", "c"}}, to: []recipient{
		{claims: []string{"email"}}, {all: true}, {},
	}}
	list := job.recipients(nil)
	for i, want := range []seal.SelectiveRecipient{
		{Audience: "a", Reads: []string{"email"}}, {Audience: "b", ReadsAll: true}, {Audience: "c"},
	} {
		got := list[i]
		if got.Audience != want.Audience || got.ReadsAll != want.ReadsAll || !slices.Equal(got.Reads, want.Reads) || (got.Reads == nil) != (want.Reads == nil) {
			t.Errorf("recipient %d is %+v, want %+v", i, got, want)
		}
	}
}
