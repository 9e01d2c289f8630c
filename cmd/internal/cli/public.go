package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
)

// publicKeys returns the keys at a place of --to or --trust, a file or a URL. It returns an error
// if none of them has the use. Keys that cannot be used are named on stderr or in the error.
func (a *App) publicKeys(ctx context.Context, place string, use keys.Use, f fetchFlags) (keys.PublicSource, error) {
	if !console.IsURL(place) {
		return a.keysInFile(place, use)
	}
	cache, err := a.keyCache()
	if err != nil {
		return nil, err
	}
	source, err := cache.Keys(place, f.fetch())
	if err != nil {
		return nil, err
	}
	set, err := source.PublicKeys(ctx, "")
	if err != nil {
		return nil, err
	}
	place = console.WithoutSecrets(place)
	return source, a.checkSet(place, set, use, "see what is there now with: sealjwt jwks fetch "+place)
}

func askForKeys(use keys.Use) string {
	return fmt.Sprintf("ask the other party for what this prints: sealjwt keys export --use %s", use)
}

// aCertificate finds a certificate in PEM.
var aCertificate = regexp.MustCompile(`-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----`)

// keysInFile reads the public keys in a file: a JWK Set, or one key as a JWK, as PEM or in a
// certificate.
func (a *App) keysInFile(path string, use keys.Use) (*keys.PublicSet, error) {
	if err := console.CheckHome("the place of the keys", path); err != nil {
		return nil, err
	}
	in, err := console.ReadFile(path, console.MaxKeyFile)
	if errors.Is(err, console.ErrTooLong) {
		return nil, &console.Failure{Err: err, Code: console.ExitKey, Advice: "that is neither a JWK Set nor a key"}
	}
	if err != nil {
		return nil, err
	}
	set, err := keys.ParsePublicSet(in.Data)
	if errors.Is(err, keys.ErrPrivateKey) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, &console.Failure{Err: fmt.Errorf("%s: %w", path, err), Advice: askForKeys(use)}
	}
	if err := a.checkSet(path, set, use, askForKeys(use)); err != nil {
		return nil, err
	}
	if aCertificate.Match(in.Data) && !bytes.HasPrefix(bytes.TrimSpace(in.Data), []byte("{")) {
		a.Say("%s: the key in it is used, and its certificate is not judged: not who has signed it, not its dates, not what it is for", path)
	}
	return set, nil
}

// checkSet refuses a set without a key for that use, and warns of the keys in it that cannot be
// used.
func (a *App) checkSet(place string, set *keys.PublicSet, use keys.Use, advice string) error {
	if !slices.ContainsFunc(set.Keys(), func(k *keys.Key) bool { return k.Use() == use }) {
		err := fmt.Errorf("%s: %w with use %s%s", place, keys.ErrNoKey, use, because(set.ForUse(use)))
		return &console.Failure{Err: err, Advice: advice}
	}
	a.sayPassedOver(place, set.ForUse(use))
	return nil
}

func (a *App) sayPassedOver(place string, set *keys.PublicSet) {
	for _, s := range set.Skipped() {
		a.Say("warning: %s: passed over key %d: %s", place, s.Index, console.Plain(s.Reason))
	}
}

// because returns why members of a JWK Set are not among the keys of a set, for the end of an
// error.
func because(set *keys.PublicSet) string {
	skipped := set.Skipped()
	if len(skipped) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d passed over; key %d: %s)", len(skipped), skipped[0].Index, console.Plain(skipped[0].Reason))
}
