package open

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"time"
)

// Token is a token that was decrypted, verified and checked. Only [Opener.Open] and [Opener.OpenAt]
// make a Token that has claims, so a function that takes a *Token with an Issuer need not check it
// again. It is immutable, safe for concurrent use, and prints as [redacted].
type Token struct {
	// opened is a closure, so that no log shows the claims: fmt prints unexported fields, and
	// for a verb that does not fit, such as %s, it also prints what a pointer points to.
	opened func() *claims
}

// claims returns the claims, or empty ones for a Token that Open has not made.
func (t *Token) claims() *claims {
	if t == nil || t.opened == nil {
		return new(claims)
	}
	return t.opened()
}

// Issuer returns the iss, which is the ID of a trusted issuer.
func (t *Token) Issuer() string { return t.claims().issuer }

// Subject returns the sub, empty if the token has none.
func (t *Token) Subject() string { return t.claims().subject }

// Audience returns the aud, which holds one of our names.
func (t *Token) Audience() []string { return slices.Clone(t.claims().audience) }

// ID returns the jti, empty if the token has none. Issuer and ID together identify a token. The
// text of a token does not: one token can have several texts, as the package documentation says.
func (t *Token) ID() string { return t.claims().id }

// SessionID returns the sid, the id of the session that the token belongs to, empty if the
// token has none.
func (t *Token) SessionID() string { return t.claims().session }

// IssuedAt returns the iat, the zero time if the token has none.
func (t *Token) IssuedAt() time.Time { return t.claims().issuedAt }

// NotBefore returns the nbf, the zero time if the token has none.
func (t *Token) NotBefore() time.Time { return t.claims().notBefore }

// ExpiresAt returns the exp. Of a token without exp, which [Expiry] allows, it returns the time
// at which the token ends, Limits.MaxLifetime after the iat. No claim of the token says so.
func (t *Token) ExpiresAt() time.Time { return t.claims().expires }

// Nonce returns the nonce of an ID token (OpenID Connect Core section 2). It returns the empty
// string when the token has no nonce or the nonce is not a string. A relying party must compare
// it with the nonce of its login, which is never empty. Without that comparison it accepts an ID
// token of another login, and where the issuer writes no typ, a token of another kind.
func (t *Token) Nonce() string {
	nonce, _, _ := t.claims().all.Text("nonce")
	return nonce
}

// SigningKeyID returns the kid of the issuer's key that verified the token, empty where the
// issuer gave the key none.
func (t *Token) SigningKeyID() string { return t.claims().signingKeyID }

// SealedNames returns the names of the claims that only their recipients can read, in the order of
// the token. In a nested token these are all claims except those that are replicated in its header.
// In a selective token they are the claims that were sealed to us, none for a gateway.
func (t *Token) SealedNames() []string { return t.claims().sealed() }

// SealedForOthers returns how many JWEs of a selective token we did not open. For a gateway these
// are all JWEs; otherwise they are for other recipients. It returns 0 for a nested token.
func (t *Token) SealedForOthers() int { return t.claims().others }

// DecryptionKeyID returns the kid of our key that decrypted the token. If several JWEs of a
// selective token are for us, it is the kid for the first that opened. It is empty for a gateway.
func (t *Token) DecryptionKeyID() string { return t.claims().decryptionKeyID }

// Claims decodes all claims, the registered ones included, into dst: a pointer to a struct, a map,
// or a json.RawMessage for the JSON text. In a nested token the text is as the issuer signed it. In
// a selective token the claims in clear come first, without sealed, and then the claims that were
// sealed to us. A token without exp has no exp here: use [Token.ExpiresAt].
//
// Claims follows the rules of encoding/json, with two differences. At every depth, a
// struct field is filled only from the member that has the field's name to the letter: a
// field tagged admin never from ADMIN, and a field Email without a tag only from Email. A
// number that an interface receives is a [json.Number], which keeps all digits. A type that
// has an UnmarshalJSON method decodes itself, so the two differences do not apply inside it.
//
// The error names the claim and the Go type that do not fit, or, if encoding/json tells no claim,
// the type of dst. It never has the value. After an error dst may be filled in part. [ClaimsOf]
// returns a value instead of filling dst.
func (t *Token) Claims(dst any) error {
	if t == nil || t.opened == nil {
		return errors.New("open: a zero Token has no claims: Open makes a Token")
	}
	c := t.claims()
	err := c.decode(dst)
	if err == nil {
		return nil
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("open: the claim %q does not fit the Go type %v", mismatch.Field, mismatch.Type)
	}
	return fmt.Errorf("open: the claims cannot be decoded into a %T", dst)
}

// decode decodes like json.Unmarshal, but matches names to the letter and keeps all digits
// of numbers.
func (c *claims) decode(dst any) error {
	w := walk{text: c.text, all: c.all, lists: c.lists}
	w.value(reflect.ValueOf(dst))
	if err := c.fill(&w, dst); err != nil {
		w.undo()
		return err
	}
	return nil
}

// fill lets encoding/json decode the text of the walk into dst.
func (c *claims) fill(w *walk, dst any) error {
	// An UnmarshalJSON method may change the bytes that it gets. So it must not get the bytes
	// of a cached Token, which other callers use too.
	if w.generic {
		d := json.NewDecoder(bytes.NewReader(w.text)) // has a buffer of its own
		d.UseNumber()
		return d.Decode(dst)
	}
	if c.shared && !w.copied {
		w.text = bytes.Clone(w.text)
	}
	return json.Unmarshal(w.text, dst)
}

// ClaimsOf returns the claims of t as a T, which it decodes as [Token.Claims] does. It
// returns the errors of Claims, and the zero value with an error.
func ClaimsOf[T any](t *Token) (T, error) {
	var dst, zero T
	if err := t.Claims(&dst); err != nil {
		return zero, err
	}
	return dst, nil
}

// Claim returns the JSON text of one claim, as the issuer signed it, and whether the token has
// that claim. It finds the same claims as [Token.Claims], and only by their exact names. A claim
// whose value is null is present: Claim returns "null" and true. Claim does not decode the other
// claims.
func (t *Token) Claim(name string) (json.RawMessage, bool) {
	value, ok := t.claims().all.Raw(name)
	return bytes.Clone(value), ok // a caller may change its copy
}

const redacted = "[redacted]"

// Format prints [redacted], whatever the verb.
func (Token) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redacted)
	}
}

// LogValue returns [redacted].
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]"; [Token.Claims] returns the claims.
func (Token) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
