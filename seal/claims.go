package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// Claims are what one token says. The sealer adds iss, aud, iat and exp.
type Claims struct {
	// Subject is the sub: whom the token is about. Left out when empty. Where it can be
	// read, in a selective token or replicated, a number may be taken for a payment
	// card or a national id, see Config.AllowReadable.
	Subject string

	// ID is the jti. When empty the sealer draws 128 random bits.
	ID string

	// NotBefore is the nbf, in whole seconds. Left out when zero.
	NotBefore time.Time

	// Custom are all other claims: a struct, a map or a json.RawMessage that
	// is one JSON object, with all strings in UTF-8. It must not name iss, sub,
	// aud, exp, nbf, iat, jti or sealed, in any case of letters.
	Custom any
}

const redacted = "[redacted]"

// Format prints [redacted], whatever the verb: claims are sealed so that no log shows
// them. A Claims in an unexported field, or given to %p, is printed in full all the
// same: there fmt calls no methods.
func (Claims) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is [redacted].
func (Claims) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "[redacted]": a log in JSON writes what stands in a struct with it.
func (Claims) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// reserved are the names that the sealer writes itself (RFC 7519 section 4.1),
// and the one that tells the selective form.
var reserved = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed"}

const jtiSize = 16 // bytes

// registeredClaims are the claims that the sealer writes, RFC 7519 section 4.1.
type registeredClaims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub,omitempty"`
	Audience  any    `json:"aud"` // a string, or several
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf,omitzero"`
	Expires   int64  `json:"exp"`
	ID        string `json:"jti"`
}

// claimsSet are the claims of one token.
type claimsSet struct {
	registered registeredClaims
	custom     strict.Object
	head       []byte // the registered ones as one compact JSON object
	visible    []byte // the custom ones that a selective token shows, likewise
	payload    []byte // all of them
}

// claimsSet returns the claims of a token, checked as every opener will check
// them, so that nothing is sealed that cannot be opened.
func (s *Sealer) claimsSet(c Claims) (claimsSet, error) {
	custom, err := marshalCustom(c.Custom)
	if err != nil {
		return claimsSet{}, err
	}
	if len(custom) > s.cfg.MaxSize {
		return claimsSet{}, fmt.Errorf("%w: %d bytes of claims", ErrTooLarge, len(custom))
	}
	set := claimsSet{}
	if set.registered, err = s.registered(c); err != nil {
		return claimsSet{}, err
	}
	if set.head, err = marshal(set.registered); err != nil {
		return claimsSet{}, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	if set.custom, err = customObject(custom); err != nil {
		return claimsSet{}, err
	}
	set.payload = join(set.head, custom)
	if _, err := strict.ParseObject(set.payload); err != nil {
		return claimsSet{}, fmt.Errorf("%w: too many claims", ErrClaims)
	}
	set.visible = s.visible(set.custom)
	return set, nil
}

func (s *Sealer) registered(c Claims) (registeredClaims, error) {
	for _, text := range []struct{ name, value string }{{"sub", c.Subject}, {"jti", c.ID}} {
		if !utf8.ValidString(text.value) {
			return registeredClaims{}, fmt.Errorf("%w: %s is not valid UTF-8", ErrClaims, text.name)
		}
	}
	now := s.now()
	r := registeredClaims{
		Issuer: s.cfg.Issuer, Subject: c.Subject, Audience: s.audience,
		IssuedAt: now.Unix(), Expires: now.Unix() + int64(s.cfg.Lifetime/time.Second), ID: c.ID,
	}
	if len(s.audience) == 1 {
		r.Audience = s.audience[0]
	}
	if r.ID == "" {
		r.ID = randomID()
	}
	if !c.NotBefore.IsZero() {
		r.NotBefore = c.NotBefore.Unix()
		if r.NotBefore <= 0 || r.NotBefore >= r.Expires {
			return registeredClaims{}, fmt.Errorf("%w: nbf must lie after 1970 and before the token expires", ErrClaims)
		}
	}
	return r, nil
}

// customObject reads the custom claims and refuses names that are the sealer's.
func customObject(text []byte) (strict.Object, error) {
	o, err := strict.ParseObject(text)
	if err != nil {
		return strict.Object{}, fmt.Errorf("%w: they are not one strict JSON object: %w", ErrClaims, err)
	}
	for name := range o.All() {
		for _, r := range reserved {
			if strings.EqualFold(name, r) {
				return strict.Object{}, fmt.Errorf("%w: %q is written by the sealer and cannot be a custom claim", ErrClaims, r)
			}
		}
		// A reader that folds case would take it for the key that the token is bound to.
		if name != "cnf" && strings.EqualFold(name, "cnf") {
			return strict.Object{}, fmt.Errorf("%w: %q is cnf in other letters, which openers refuse", ErrClaims, name)
		}
	}
	return o, nil
}

// join makes one compact JSON object of two, which have no name in common.
func join(head, custom []byte) []byte {
	if len(custom) == len("{}") {
		return bytes.Clone(head)
	}
	joined := append(bytes.Clone(head[:len(head)-1]), ',')
	return append(joined, custom[1:]...)
}

// marshalCustom returns custom as one compact JSON text.
func marshalCustom(custom any) ([]byte, error) {
	switch raw := custom.(type) {
	case nil:
		return []byte("{}"), nil
	case json.RawMessage:
		// Strictly before it is compacted: encoders repair what they should refuse.
		if _, err := strict.ParseObject(raw); err != nil {
			return nil, fmt.Errorf("%w: they are not one strict JSON object: %w", ErrClaims, err)
		}
		var b bytes.Buffer
		err := json.Compact(&b, raw)
		return b.Bytes(), err
	case []byte, string:
		return nil, fmt.Errorf("%w: give JSON text as json.RawMessage", ErrClaims)
	}
	text, err := marshal(custom)
	if err == nil && hasRepairs(text) {
		return nil, fmt.Errorf("%w: a string in the %T is not valid UTF-8", ErrClaims, custom)
	}
	if err != nil {
		// An encoder's error can quote the value that it could not encode.
		return nil, fmt.Errorf("%w: a %T cannot be written as JSON", ErrClaims, custom)
	}
	if text[0] != '{' {
		return nil, fmt.Errorf("%w: a %T is not a JSON object", ErrClaims, custom)
	}
	return text, nil
}

// hasRepairs reports whether encoding/json replaced bytes that are not UTF-8: it writes
// the escape \ufffd for them, and the character itself where it was meant. Two users
// could become one.
func hasRepairs(text []byte) bool {
	for {
		i := bytes.Index(text, []byte(`\ufffd`))
		if i < 0 {
			return false
		}
		escapes := len(text[:i]) - len(bytes.TrimRight(text[:i], `\`))
		if escapes%2 == 0 {
			return true
		}
		text = text[i+1:]
	}
}

// marshal is json.Marshal without the escapes for HTML, which make tokens longer.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func randomID() string {
	b := make([]byte, jtiSize)
	rand.Read(b)
	return strict.EncodeBase64URL(b)
}
