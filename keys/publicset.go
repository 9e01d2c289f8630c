package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// PublicSet is an immutable set of one party's public keys: a JWK Set (RFC 7517 section
// 5) with nothing private in it by construction. Parties exchange such sets. A PublicSet
// is safe for concurrent use.
//
// json.Marshal of a PublicSet gives a JWK Set whose keys have kid, use and alg, with these
// exceptions for keys that [ParsePublicSet] read. A key that is used for both is written without
// use and alg. An encryption key whose JWK had no alg is written without alg. A key without kid
// is written without kid.
type PublicSet struct {
	written []writtenKey
	listed  []*Key
	encrypt []*Key
	skipped []SkippedKey

	// The keys that verify. The keys without kid are under "". No other kid has two keys for one
	// algorithm.
	byKeyID map[string][]*Key
	bySuite map[Suite][]*Key

	anyKeyID bool // the only key has no kid and stands for every kid
}

// writtenKey is a key of the JWK Set that a PublicSet writes.
type writtenKey struct {
	*Key
	anyUse bool // a key for both uses: its JWK says neither use nor alg
}

// SkippedKey is a member of a JWK Set that was passed over, and why. RFC 7517
// section 5 asks readers to ignore a key that they do not understand.
type SkippedKey struct {
	Index  int    // its place in the "keys" array, from 0
	KeyID  string // its kid, may be empty; quote it before printing
	Reason error

	use Use // the use that the JWK states, may be empty
}

// newPublicSet makes a set of keys, dropping their private halves.
func newPublicSet(ks []*Key) (*PublicSet, error) {
	if err := validate(ks); err != nil {
		return nil, err
	}
	p := newEmptySet()
	for _, k := range ks {
		p.add(k.withoutPrivate())
		p.written = append(p.written, writtenKey{k.withoutPrivate(), false})
	}
	return p, nil
}

func newEmptySet() *PublicSet {
	return &PublicSet{byKeyID: make(map[string][]*Key), bySuite: make(map[Suite][]*Key)}
}

func (p *PublicSet) add(k *Key) {
	p.listed = append(p.listed, k)
	switch k.Use() {
	case UseSig:
		p.byKeyID[k.id] = append(p.byKeyID[k.id], k)
		p.bySuite[k.suite] = append(p.bySuite[k.suite], k)
	case UseEnc:
		p.encrypt = append(p.encrypt, k)
	}
}

// named returns the signing keys that a token may mean by this kid. A single key without kid
// stands for every kid.
func (p *PublicSet) named(kid string) []*Key {
	switch {
	case kid == "":
		return nil
	case p.anyKeyID:
		kid = ""
	}
	return p.byKeyID[kid]
}

// VerificationKey returns the signing key with this kid that is for this algorithm. It returns
// [ErrNoKey] when no signing key has the kid, and [ErrUnsupported] when the keys with this kid
// are for other algorithms: the key decides the algorithm, never the token.
func (p *PublicSet) VerificationKey(kid, alg string) (*Key, error) {
	p = orZero(p)
	named := p.named(kid)
	if len(named) == 0 {
		return nil, fmt.Errorf("%w: no signing key has the kid %s; the signing keys are %s", ErrNoKey, jwk.Quote(kid), p.signingKeyIDs())
	}
	i := slices.IndexFunc(named, func(k *Key) bool { return k.suite.matches(alg) })
	if i < 0 {
		return nil, fmt.Errorf("%w: alg is %s, and kid %s is a key for %v", ErrUnsupported, jwk.Quote(alg), jwk.Quote(kid), named[0].suite)
	}
	return named[i], nil
}

// signingKeyIDs returns the kids of the first few signing keys, for people. It does not list
// all of them: any client can cause this error with an unknown kid, and a set may have
// thousands of keys.
func (p *PublicSet) signingKeyIDs() string {
	const most = 8
	total := 0
	for _, ks := range p.bySuite {
		total += len(ks)
	}
	var first []string
	for i := 0; i < len(p.listed) && len(first) < min(total, most); i++ {
		if k := p.listed[i]; k.Use() == UseSig {
			first = append(first, jwk.Quote(k.id))
		}
	}
	switch {
	case total == 0:
		return "none"
	case total > most:
		first = append(first, fmt.Sprintf("and %d more", total-most))
	}
	return strings.Join(first, ", ")
}

// HasVerificationKey reports whether a token may mean a signing key by this kid, for any
// algorithm.
func (p *PublicSet) HasVerificationKey(kid string) bool { return len(orZero(p).named(kid)) > 0 }

// VerificationKeys returns the signing keys for an algorithm name, in the order of the set. It
// is for tokens that name no kid. For an empty alg it returns none.
func (p *PublicSet) VerificationKeys(alg string) []*Key {
	for s, ks := range orZero(p).bySuite {
		if s.matches(alg) {
			return slices.Clone(ks)
		}
	}
	return nil
}

// EncryptionKey returns the key to encrypt to. It takes the first of the suites for which the
// set has a key, and of these keys the first. Without suites it returns the first encryption
// key of the set. A key whose JWK names no alg can be for each encryption suite of its type;
// the returned key then has the suite that was asked for. A key whose JWK names another alg is
// never returned.
//
// It returns [ErrNoKey] when there is none, and says what the set has. It wraps
// [ErrUnsupported] too when GODEBUG=fips140=only does not allow a suite that was asked for.
func (p *PublicSet) EncryptionKey(suites ...Suite) (*Key, error) {
	p = orZero(p)
	if len(suites) == 0 && len(p.encrypt) > 0 {
		return p.encrypt[0], nil
	}
	for _, s := range suites {
		for _, k := range p.encrypt {
			if k, ok := k.as(s); ok {
				return k, nil
			}
		}
	}
	return nil, p.noEncryptionKey(suites)
}

// noEncryptionKey returns the error that says why no key is for one of these suites.
func (p *PublicSet) noEncryptionKey(wanted []Suite) error {
	if len(wanted) == 0 || len(p.encrypt) == 0 {
		return fmt.Errorf("%w: the JWK Set has no encryption key that is supported (use enc with %v or %v on P-256 or X25519, %v or %v)",
			ErrNoKey, ECDHES, ECDHESA256KW, RSAOAEP256, RSAOAEP)
	}
	var names, has []string
	var refused error // why this process may not use a suite (GODEBUG=fips140=only)
	for _, s := range wanted {
		names = append(names, s.String())
		if s.valid() && refused == nil {
			refused = suites[s].CheckMode()
		}
	}
	for _, k := range p.encrypt {
		name := "keys for " + k.suite.String()
		if k.anySuite {
			name = k.suite.kind().String() + " keys without alg"
		}
		if !slices.Contains(has, name) {
			has = append(has, name)
		}
	}
	err := fmt.Errorf("%w: the JWK Set has no encryption key for %s; it has %s", ErrNoKey, strings.Join(names, " or "), strings.Join(has, ", "))
	if refused != nil {
		err = fmt.Errorf("%w; %w", err, refused)
	}
	return err
}

// Keys returns the usable keys in their order. A JWK that says neither use nor alg may be in
// the list twice, once for each use.
func (p *PublicSet) Keys() []*Key { return slices.Clone(orZero(p).listed) }

// ForUse returns the keys for one use, for a party that only signs, or only decrypts. It keeps a
// skipped member if the member states that use, or no use.
func (p *PublicSet) ForUse(u Use) *PublicSet {
	p = orZero(p)
	only := newEmptySet()
	only.anyKeyID = p.anyKeyID
	for _, k := range p.listed {
		if k.Use() == u {
			only.add(k)
			only.written = append(only.written, writtenKey{k, false})
		}
	}
	for _, s := range p.skipped {
		if s.use == "" || s.use == u {
			only.skipped = append(only.skipped, s)
		}
	}
	return only
}

// Skipped returns the members that were passed over when the set was read.
func (p *PublicSet) Skipped() []SkippedKey { return slices.Clone(orZero(p).skipped) }

// PublicKeys returns p: a PublicSet is a [PublicSource]. It returns [ErrNoKey] for nil.
func (p *PublicSet) PublicKeys(context.Context, string) (*PublicSet, error) { return p, errIfNil(p) }

// MarshalJSON writes the JWK Set.
func (p PublicSet) MarshalJSON() ([]byte, error) {
	jwks := make([]json.RawMessage, 0, len(p.written))
	for _, w := range p.written {
		use, alg := string(w.Use()), w.suite.Alg()
		if w.anySuite {
			alg = ""
		}
		if w.anyUse {
			use, alg = "", ""
		}
		text, err := jwk.Marshal(w.public, w.id, use, alg)
		if err != nil {
			return nil, err
		}
		jwks = append(jwks, text)
	}
	return json.Marshal(struct {
		Keys []json.RawMessage `json:"keys"`
	}{jwks})
}
