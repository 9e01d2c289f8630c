package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// Claims is the content of one token. The sealer adds iss, aud, iat and exp.
type Claims struct {
	// Subject is the sub: the user or thing that the token is about. Left out when empty.
	// In a selective token, and in a nested one that replicates it, every holder can read
	// it. A number there may be taken for a payment card or a national id, see
	// Config.AllowReadable.
	Subject string

	// ID is the jti. When it is empty, the sealer makes a jti of 128 random bits.
	ID string

	// NotBefore is the nbf, in whole seconds. Left out when zero.
	NotBefore time.Time

	// Session is the session that the token belongs to. A zero Session means that the token
	// belongs to no session and gets no sid.
	Session Session

	// Custom holds all other claims: a struct, a map or a json.RawMessage that is one JSON
	// object, with all strings in UTF-8. It must not name iss, sub, aud, exp, nbf, iat, jti,
	// sid or sealed, in any case of letters.
	Custom any
}

// Session is a session of a user, as package sessions starts and refreshes it. Set both fields
// or neither.
type Session struct {
	// ID is the sid. In a selective token every reader sees it. It is the same in all tokens
	// of one device, so that a reader who collects tokens can link the requests of that device.
	ID string

	// NotAfter is the latest time at which a token of the session may expire. After NotAfter a list
	// of ended sessions forgets that the session has ended, so verifiers would again accept a token
	// that lives longer. Seal refuses such a token. So the token lifetime of the session registry
	// must be longer than Limits.Lifetime, by the time that passes between the refresh and Seal; a
	// minute is enough.
	NotAfter time.Time
}

const redacted = "[redacted]"

// Format prints [redacted], whatever the verb: claims are sealed so that no log shows them.
// fmt calls no methods on a Claims in an unexported field, or for %p, and prints it in
// full.
func (Claims) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redacted)
	}
}

// LogValue returns [redacted].
func (Claims) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]": a log in JSON also writes the fields of the struct that
// holds a Claims.
func (Claims) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// reserved are the names of claims that the sealer writes itself: those of RFC 7519 section
// 4.1, sid, and sealed, the claim by which readers recognise the selective form.
var reserved = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed", "sid"}

// disclosures are the names of members that a reader of SD-JWT takes for digests of claims, at
// every depth (RFC 9901 sections 4.2.1 and 7.1). So the sealer refuses a visible claim that has
// such a name or holds such a member.
var disclosures = []string{"_sd", "..."}

// holdsDisclosure reports whether the value of a claim has a member with a name of the list
// disclosures, at any depth. [strict.ParseClaims] has accepted the claim, so [strict.ParseClaim]
// accepts each object in it. ParseObject would not: names in it may differ only in case.
func holdsDisclosure(claim json.RawMessage) bool {
	switch claim[0] {
	case '{':
		o, _ := strict.ParseClaim(claim)
		for name, value := range o.All() {
			if hasTwin(disclosures, name) || holdsDisclosure(value) {
				return true
			}
		}
	case '[':
		var items []json.RawMessage
		json.Unmarshal(claim, &items)
		return slices.ContainsFunc(items, holdsDisclosure)
	}
	return false
}

// boundTo has cnf, the claim that holds the key that a token is bound to (RFC 7800).
var boundTo = []string{"cnf"}

// claimsSet holds the claims of one token. Their text is in scratch.claims: first the head,
// which is the object of the registered claims without its closing brace, and behind the head
// the custom claims as one compact JSON object.
type claimsSet struct {
	subject, id string
	headSize    int // length of the head in bytes
	custom      strict.Object
	visible     []byte // the custom claims that a selective token shows, as one object
}

// claimsSet checks the claims of a token and writes their text into m.claims. It makes the checks
// of claims that every opener makes, so that the sealer never makes a token that no opener accepts.
func (s *Sealer) claimsSet(c Claims, m *scratch) (claimsSet, error) {
	if c.ID == "" {
		c.ID = randomID()
	}
	text, err := s.registered.append(m.claims.AvailableBuffer(), c, s.now(), s.cfg.limits.Lifetime)
	if err != nil {
		return claimsSet{}, err
	}
	m.claims.Write(text)
	set := claimsSet{subject: c.Subject, id: c.ID, headSize: m.claims.Len()}
	if err := m.marshalCustom(c.Custom); err != nil {
		return claimsSet{}, err
	}
	custom := m.claims.Bytes()[set.headSize:]
	if len(custom) > s.cfg.limits.MaxSize {
		return claimsSet{}, fmt.Errorf("%w: %d bytes of claims", ErrTooLarge, len(custom))
	}
	if set.custom, err = customObject(custom); err != nil {
		return claimsSet{}, err
	}
	values, members := set.custom.Count()
	if c.Session.ID != "" {
		values, members = values+1, members+1
	}
	if values+s.registered.values > strict.MaxValues || members+s.registered.values > strict.MaxMembers || m.claims.Len() > strict.MaxText {
		return claimsSet{}, fmt.Errorf("%w: too many claims", ErrClaims)
	}
	if s.cfg.selective {
		set.visible = s.visible(set.custom)
	}
	return set, nil
}

// customObject reads the custom claims. It refuses the names that the sealer writes itself, and cnf
// in other letters.
func customObject(text []byte) (strict.Object, error) {
	o, err := strict.ParseClaims(text)
	if err != nil {
		return strict.Object{}, fmt.Errorf("%w: they are not one strict JSON object: %w", ErrClaims, err)
	}
	name, taken := o.FoldedTwin(reserved)
	for _, r := range reserved {
		if _, is := o.Raw(r); is {
			name, taken = r, true
		}
	}
	if taken {
		return strict.Object{}, fmt.Errorf("%w: %q is written by the sealer and cannot be a custom claim", ErrClaims, name)
	}
	if name, twin := cnfTwin(o); twin {
		return strict.Object{}, fmt.Errorf("%w: %q is cnf in other letters, which openers refuse", ErrClaims, name)
	}
	return o, nil
}

// cnfTwin returns the name of a claim that differs from cnf in the case of letters only, such as
// CNF. A reader that ignores case would take that claim for the key that the token is bound to.
func cnfTwin(o strict.Object) (name string, ok bool) {
	if _, ok := o.FoldedTwin(boundTo); !ok {
		return "", false
	}
	for name := range o.All() {
		if name != "cnf" && strings.EqualFold(name, "cnf") {
			return name, true
		}
	}
	return "", false
}

// marshalCustom appends the custom claims to m.claims, behind the head, as one compact JSON text.
func (m *scratch) marshalCustom(custom any) error {
	switch raw := custom.(type) {
	case nil:
		m.claims.WriteString("{}")
		return nil
	case json.RawMessage:
		// The text is checked before it is compacted, so that the error tells the offset in
		// the caller's text.
		if _, err := strict.ParseClaims(raw); err != nil {
			return fmt.Errorf("%w: they are not one strict JSON object: %w", ErrClaims, err)
		}
		return json.Compact(&m.claims, raw)
	case []byte, string:
		return fmt.Errorf("%w: give JSON text as json.RawMessage", ErrClaims)
	}
	start := m.claims.Len()
	if err := m.encoder.Encode(custom); err != nil {
		m.newEncoder()
		// An encoder's error can quote the value that it could not encode.
		return fmt.Errorf("%w: a %T cannot be written as JSON", ErrClaims, custom)
	}
	m.claims.Truncate(m.claims.Len() - len("\n"))
	text := m.claims.Bytes()[start:]
	switch {
	case hasRepairs(text):
		return fmt.Errorf("%w: a string in the %T is not valid UTF-8", ErrClaims, custom)
	case text[0] != '{':
		return fmt.Errorf("%w: a %T is not a JSON object", ErrClaims, custom)
	}
	return nil
}

// hasRepairs reports whether encoding/json replaced bytes that are not UTF-8. For such bytes
// encoding/json writes the escape \ufffd. Where the caller's string has the character U+FFFD,
// encoding/json writes that character unescaped. Replaced bytes are refused, because the
// replacement could make the names of two users the same.
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
