package open

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// sealedClaims is the cty of the JWEs in a selective token.
const sealedClaims = "sealed-claims+json"

// isAlwaysReadable reports whether a claim must never be sealed in a selective token. These are
// the claims of registeredNames, which decide whether a token is accepted: if they were in a JWE,
// a gateway could not check them.
func isAlwaysReadable(name string) bool {
	return slices.ContainsFunc(registeredNames, func(r string) bool { return strings.EqualFold(name, r) })
}

// openSelective opens the selective form. It verifies the signature first, so that it
// decrypts only JWEs that a trusted issuer has put together. Then it checks the claims,
// and then it decrypts the JWEs that are for us.
func (o *Opener) openSelective(ctx context.Context, m *scratch, token string, at time.Time) (*claims, error) {
	if m.looksLike(token, 5) {
		return nil, refuse(ErrType, "it is an encrypted token of 5 parts, and a selective one is expected, which has 3")
	}
	c, err := o.verified(ctx, m, m.take(token))
	if err != nil {
		return nil, err
	}
	if err := o.check(c, strict.Object{}, at); err != nil {
		return nil, err
	}
	jwes, err := c.boundJWEs(m)
	if err != nil {
		return nil, err
	}
	c.others = len(jwes)
	var opened []strict.Object
	if !o.isGateway() {
		if opened, err = o.unseal(ctx, m, c, jwes); err != nil {
			return nil, err
		}
	}
	return c, c.merge(opened)
}

// sealedJWE is one element of the claim sealed. Only its text and kid are kept, since a token may
// have many JWEs, and mostly only one of them is for us.
type sealedJWE struct{ text, kid string }

// boundJWEs returns the JWEs in sealed, each of which names the iss and the jti of this
// very token. Otherwise an attacker could put a JWE of another token here, to see its
// claims as the recipient shows them, or to make the recipient take them for claims of
// this token.
func (c *claims) boundJWEs(m *scratch) ([]sealedJWE, error) {
	texts, _, _ := c.payload.Strings("sealed") // nil if not a string or array of strings
	raw, _ := c.payload.Raw("sealed")
	if raw[0] != '[' || len(texts) == 0 {
		return nil, refuseClaims("sealed must be an array of JWEs, and not empty", "")
	}
	if c.id == "" {
		return nil, refuseClaims("jti is missing, to which sealed claims are bound", "")
	}
	tail := c.boundTail()
	room := min(len(texts), len(c.text)/100) // every JWE has more than 100 characters
	jwes := make([]sealedJWE, 0, room)
	seen := make(map[string]bool, room)
	for _, text := range texts {
		m.decoded = m.decoded[:0] // drops the header of the previous JWE
		j, err := m.parseEnvelope(text, tail)
		if err != nil {
			return nil, err
		}
		if err := j.checkType(sealedClaims); err != nil {
			return nil, err
		}
		if err := c.checkBound(&j.header); err != nil {
			return nil, err
		}
		if !isKeyID(j.kid) || seen[string(j.kid)] {
			return nil, refuseClaims("every JWE in sealed needs a kid of its own", "kid %s", quote(j.kid))
		}
		kid := string(j.kid)
		seen[kid] = true
		jwes = append(jwes, sealedJWE{text, kid})
	}
	return jwes, nil
}

// boundTail returns the end of a JWE's header as package seal writes it for this token.
func (c *claims) boundTail() string {
	tail := strict.AppendString([]byte(`,"iss":`), c.issuer)
	return string(strict.AppendString(append(tail, `,"jti":`...), c.id))
}

// checkBound checks that a JWE belongs to this token.
func (c *claims) checkBound(h *header) error {
	if h.tail != "" {
		return nil // the header ends with boundTail
	}
	for _, name := range []string{"iss", "jti"} {
		if _, there := h.members.Raw(name); !there {
			return refuseClaims("a JWE in sealed has no "+name+", which binds it to its token", "")
		}
	}
	return c.checkReplicated(h.members)
}

// unseal decrypts the JWEs that are for us, each into one object.
func (o *Opener) unseal(ctx context.Context, m *scratch, c *claims, jwes []sealedJWE) ([]strict.Object, error) {
	set, ours, err := o.ours(ctx, jwes)
	if err != nil {
		return nil, err
	}
	tail := c.boundTail()
	c.from.private = set
	var opened []strict.Object
	var failed error
	for _, j := range ours {
		plaintext, suite, err := m.unseal(ctx, j, tail, set)
		if errors.Is(err, ErrKeySource) {
			return nil, err // a key that does not answer does not tell whether the JWE is for us
		}
		if err != nil {
			failed = cmp.Or(failed, err)
			continue
		}
		object, err := strict.ParseClaims(plaintext)
		if err != nil {
			return nil, refuse(ErrMalformed, "the claims in a JWE: %v", err)
		}
		opened = append(opened, object)
		c.decryptionKeyID = cmp.Or(c.decryptionKeyID, j.kid)
		c.suites.add(suite)
	}
	// Another recipient may have a key whose kid equals the kid of a key of ours. The issuer has
	// signed the list of JWEs. So if we can open one JWE, any JWE that we cannot open is taken to
	// be for that recipient.
	if len(opened) == 0 {
		return nil, failed
	}
	c.others -= len(opened)
	return opened, nil
}

// unseal decrypts a JWE with our key that has the JWE's kid, and returns the suite of the key.
func (m *scratch) unseal(ctx context.Context, sealed sealedJWE, tail string, set *keys.Set) ([]byte, keys.Suite, error) {
	m.grow(sealed.text)
	j, _ := m.parseEnvelope(sealed.text, tail) // boundJWEs has parsed it without an error
	if err := j.decode(); err != nil {
		return nil, 0, err
	}
	k := set.DecryptionKeys(j.encryption)[0]
	plaintext, err := j.decrypt(ctx, k)
	return plaintext, k.Suite(), err
}

// ours returns the JWEs whose kid names a key that we hold. If there is none, it asks the source
// once to reload, if the source can: another process may have rotated the ring. It returns an error
// if there is still none, or if a JWE is for a key of ours that was destroyed.
func (o *Opener) ours(ctx context.Context, jwes []sealedJWE) (*keys.Set, []sealedJWE, error) {
	set, err := o.privateKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	found := held(set, jwes)
	if r, can := o.cfg.decryption.(reloader); len(found) == 0 && can {
		if set, err = answer(r.Reload(ctx)); err != nil {
			return nil, nil, err
		}
		found = held(set, jwes)
	}
	for _, j := range jwes {
		if set.WasErased(j.kid) {
			return nil, nil, refuse(ErrUnknownKey, "a JWE is for kid %s, a key of ours that was destroyed", quote(j.kid))
		}
	}
	if len(found) == 0 {
		return nil, nil, refuse(ErrUnknownKey, "the JWEs are for the kids %s; our decryption keys: %s", quoteList(kids(jwes)), quoteList(set.DecryptionKeyIDs()))
	}
	return set, found, nil
}

// held returns the JWEs whose kid names a key in the set.
func held(set *keys.Set, jwes []sealedJWE) (found []sealedJWE) {
	for _, j := range jwes {
		if len(set.DecryptionKeys(keys.Header{KeyID: []byte(j.kid)})) > 0 {
			found = append(found, j)
		}
	}
	return found
}

func kids(jwes []sealedJWE) []string {
	all := make([]string, 0, len(jwes))
	for _, j := range jwes {
		all = append(all, j.kid)
	}
	return all
}

// merge makes one object of the claims in clear and the claims that were sealed to us. A
// name that stands in both is refused, whatever its values: two readers could believe two
// different values. In two JWEs it must have the same value.
func (c *claims) merge(opened []strict.Object) error {
	text := []byte("{")
	for name, value := range c.payload.All() {
		if name != "sealed" {
			text = strict.AppendMember(text, name, value)
		}
	}
	merged := make(map[string]json.RawMessage)
	for _, object := range opened {
		for name, value := range object.All() {
			if isAlwaysReadable(name) {
				return refuseClaims("a registered claim, cnf or sid is sealed", "")
			}
			if before, twice := merged[name]; twice {
				if !sameText(before, value) {
					return refuseClaims("a claim is sealed twice, with two values", "")
				}
				continue
			}
			merged[name] = value
			text = strict.AppendMember(text, name, value)
			c.opened = append(c.opened, name)
		}
	}
	c.text = append(text, '}')
	// ParseClaims refuses two claims of one name, also in other letters: encoding/json
	// would take one for the other.
	var err error
	if c.all, err = strict.ParseClaims(c.text); err != nil {
		return refuseClaims("a claim stands in clear and sealed, or there are too many", "")
	}
	return nil
}
