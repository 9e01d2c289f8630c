package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
)

// maxKeyFile is the longest file with keys in bytes.
const maxKeyFile = 1 << 20

// publicSet reads the JWK Set file that --to or --trust names, and makes sure that
// it holds a key for that use. What was passed over is said on stderr, or stands
// in the error.
func (a *app) publicSet(flag, path string, use keys.Use) (*keys.PublicSet, error) {
	if strings.Contains(path, "://") {
		return nil, usagef("--%s takes a file, no URL: download the JWK Set first (curl -fsS -o jwks.json URL), then --%[1]s jwks.json", flag)
	}
	in, err := readFile(path, maxKeyFile)
	if errors.Is(err, errTooLong) {
		return nil, &failure{err: err, code: exitKey, advice: "that is no JWK Set"}
	}
	if err != nil {
		return nil, err
	}
	set, err := keys.ParsePublicSet(in.data)
	if errors.Is(err, keys.ErrPrivateKey) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ask := fmt.Sprintf("ask the other party for what this prints: sealjwt keys export --use %s", use)
	if err != nil {
		return nil, &failure{err: fmt.Errorf("%s: %w", path, err), advice: ask}
	}
	if !slices.ContainsFunc(set.Keys(), func(k *keys.Key) bool { return k.Use() == use }) {
		err := fmt.Errorf("%s: %w with use %s%s", path, keys.ErrNoKey, use, because(set))
		return nil, &failure{err: err, advice: ask}
	}
	for _, s := range set.Skipped() {
		a.say("warning: %s: passed over key %d: %s", path, s.Index, plain(s.Reason.Error()))
	}
	return set, nil
}

// because says why a set has fewer keys than members.
func because(set *keys.PublicSet) string {
	skipped := set.Skipped()
	if len(skipped) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d passed over; key %d: %s)", len(skipped), skipped[0].Index, plain(skipped[0].Reason.Error()))
}
