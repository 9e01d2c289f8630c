package seal

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
)

// Recipient is the party that can read a nested token.
type Recipient struct {
	// Audience is the name of the recipient. It becomes the token's aud. Required.
	Audience string

	// Keys are the recipient's public keys. The token is encrypted to the first
	// encryption key that Suites allows. Its header has the kid of that key, and none when
	// the key has none. Required.
	Keys keys.PublicSource

	// Suites are the algorithms that may be used for this recipient, in the order of
	// preference. Nil allows all supported algorithms; then the first usable key in the
	// recipient's order is used. Suites also decide the algorithm of a key whose JWK names no
	// alg. Without Suites such a key is used with ECDH-ES or RSA-OAEP-256. In OpenID Connect
	// the client's registration names the algorithm (id_token_encrypted_response_alg). A key
	// whose JWK names an alg is used with that algorithm or not at all: where the JWK
	// contradicts Suites, Seal returns keys.ErrNoKey.
	Suites []keys.Suite

	// Content is the content encryption of the token; A256GCM when zero.
	Content keys.Content
}

// check checks the recipient. The error names the field at fault, behind field, the name of the
// configuration's field that holds the recipient.
func (r Recipient) check(field string) error {
	switch {
	case r.Audience == "" || !utf8.ValidString(r.Audience):
		return configError(field+".Audience", "is required: without aud every opener would take the token")
	case isNil(r.Keys):
		return configError(field+".Keys", "is required: the recipient's public keys")
	}
	if _, err := keys.ParseContent(r.Content.String()); err != nil {
		return configError(field+".Content", "is not a known content encryption")
	}
	return checkSuites(field+".Suites", r.Suites)
}

// checkSuites checks the algorithms that may be used for a recipient.
func checkSuites(field string, suites []keys.Suite) error {
	if suites != nil && len(suites) == 0 {
		return configError(field, "is empty, which allows none: leave it nil to allow all, or name some of %v", encryptionSuites())
	}
	for i, s := range suites {
		switch {
		case s.Use() != keys.UseEnc:
			return configError(field, "names %v, which does not encrypt: name some of %v", s, encryptionSuites())
		case slices.Contains(suites[:i], s):
			return configError(field, "names %v twice", s)
		}
	}
	return nil
}

func encryptionSuites() []keys.Suite {
	return slices.DeleteFunc(keys.Suites(), func(s keys.Suite) bool { return s.Use() != keys.UseEnc })
}

// recipientKeys finds one key to encrypt to for each recipient, and stores them in m.to.
func (s *Sealer) recipientKeys(ctx context.Context, m *scratch) error {
	for i, r := range s.cfg.recipients {
		set, err := answer(r.Keys.PublicKeys(ctx, ""))
		if err != nil {
			return fmt.Errorf("seal: the recipient's keys: %w", err)
		}
		k, err := set.EncryptionKey(r.Suites...)
		if err != nil {
			return fmt.Errorf("seal: the recipient's keys: %w", err)
		}
		if s.cfg.selective && k.ID() == "" {
			return fmt.Errorf("seal: the recipient's keys: %w: the key of recipient %d (%q) has no kid, and it finds what is sealed to it by kid: it has to publish one",
				keys.ErrNoKey, i+1, r.Audience)
		}
		// A recipient finds its JWE by kid, so of two recipients with one kid neither could tell
		// which JWE is its own.
		if slices.ContainsFunc(m.to, func(other *keys.Key) bool { return other.ID() == k.ID() }) {
			return fmt.Errorf("%w: %q; give one recipient all the claims, or each a key of its own", ErrSameKey, k.ID())
		}
		m.to = append(m.to, k)
	}
	return nil
}
