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
	// Subject is the sub: whom the token is about. Left out when empty.
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
// them.
func (Claims) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is [redacted].
func (Claims) LogValue() slog.Value { return slog.StringValue(redacted) }

// reserved are the names that the sealer writes itself (RFC 7519 section 4.1),
// and the one that tells the selective form.
var reserved = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed"}

const jtiSize = 16 // bytes

// payload returns the claims set as one compact JSON object.
func (s *Sealer) payload(c Claims) ([]byte, error) {
	for name, v := range map[string]string{"sub": c.Subject, "jti": c.ID} {
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("%w: %s is not valid UTF-8", ErrClaims, name)
		}
	}
	custom, err := marshalCustom(c.Custom)
	if err != nil {
		return nil, err
	}
	now := s.now()
	registered := struct {
		Issuer    string `json:"iss"`
		Subject   string `json:"sub,omitempty"`
		Audience  string `json:"aud"`
		IssuedAt  int64  `json:"iat"`
		NotBefore int64  `json:"nbf,omitzero"`
		Expires   int64  `json:"exp"`
		ID        string `json:"jti"`
	}{
		Issuer: s.cfg.Issuer, Subject: c.Subject, Audience: s.recipient.Audience,
		IssuedAt: now.Unix(), Expires: now.Unix() + int64(s.cfg.Lifetime/time.Second), ID: c.ID,
	}
	if registered.ID == "" {
		registered.ID = randomID()
	}
	if !c.NotBefore.IsZero() {
		registered.NotBefore = c.NotBefore.Unix()
		if registered.NotBefore <= 0 || registered.NotBefore >= registered.Expires {
			return nil, fmt.Errorf("%w: nbf must lie after 1970 and before the token expires", ErrClaims)
		}
	}
	head, err := marshal(registered)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return s.splice(head, custom)
}

// splice joins two JSON objects and checks the whole as every opener will, so
// that nothing is sealed that cannot be opened.
func (s *Sealer) splice(head, custom []byte) ([]byte, error) {
	if len(custom) > s.cfg.MaxSize {
		return nil, fmt.Errorf("%w: %d bytes of claims", ErrTooLarge, len(custom))
	}
	o, err := strict.ParseObject(custom)
	if err != nil {
		return nil, fmt.Errorf("%w: they are not one strict JSON object: %w", ErrClaims, err)
	}
	for name := range o.All() {
		for _, r := range reserved {
			if strings.EqualFold(name, r) {
				return nil, fmt.Errorf("%w: %q is written by the sealer and cannot be a custom claim", ErrClaims, r)
			}
		}
	}
	if o.Len() == 0 {
		return head, nil
	}
	payload := append(head[:len(head)-1], ',')
	payload = append(payload, custom[1:]...)
	if _, err := strict.ParseObject(payload); err != nil {
		return nil, fmt.Errorf("%w: too many claims", ErrClaims)
	}
	return payload, nil
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
