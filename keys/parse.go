package keys

import (
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Hint says what a key is for where its own data leaves that open. A JWK may leave it open, and
// PEM does, except for Ed25519 and RSA-PSS keys. The zero Hint adds nothing.
type Hint struct {
	Use   Use
	Suite Suite // implies its use too
}

// ParseKey reads one key of our own, private or public, from a JWK (RFC 7517), or from PEM:
// PKCS#8 "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "PUBLIC KEY" or "RSA PUBLIC KEY". An
// RSA-PSS key in PEM is for [PS256] alone. A JWK keeps its kid; a key without one gets the first
// 16 characters of its thumbprint that follow any - and _ at its start.
//
// PEM may have any line endings, a byte order mark, and other blocks around the key, such as
// certificates, in any order. Every other public key among them must be the public half of the
// key. If there are certificates, one of them must be for it.
//
// It returns [ErrMalformed], also for two private keys and for halves that do not belong
// together, [ErrUnsupported] and [ErrWeakKey]. It returns ErrUnsupported also when neither the
// data nor the hint says whether a key that could do both is for signing or for encryption.
func ParseKey(data []byte, hint Hint) (*Key, error) {
	j, err := jwk.Parse(data)
	if err != nil {
		return nil, err
	}
	suites, err := suitesOf(j, hint)
	if err != nil {
		return nil, err
	}
	if len(suites) > 1 {
		return nil, fmt.Errorf("%w: the key does not say what it is for: give its use (sig or enc) or its algorithm", ErrUnsupported)
	}
	if j.Private != nil {
		return newPrivateKey(j.KeyID, suites[0], j.Private)
	}
	return newKey(j.KeyID, suites[0], j.Public)
}

// suitesOf returns the suites of a key: one suite, or the default suite of each use if neither
// the key nor the hint names a use or an algorithm.
func suitesOf(j jwk.JWK, hint Hint) ([]Suite, error) {
	kind, ok := jwk.KindOf(j.Public)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, jwk.Describe(j.Public))
	}
	use, err := useOf(j, hint)
	if err != nil {
		return nil, err
	}
	if s, err := namedSuite(j, hint, kind); err != nil || s != 0 {
		if err == nil && (s.kind() != kind || use != "" && s.Use() != use) {
			err = fmt.Errorf("%w: %v does not fit a %v key with this use", ErrUnsupported, s, kind)
		}
		return []Suite{s}, err
	}
	var found []Suite
	for _, u := range []Use{UseSig, UseEnc} {
		if s, ok := defaultSuite(kind, u); ok && (use == "" || use == u) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: a %v key cannot have use %s", ErrUnsupported, kind, jwk.Quote(string(use)))
	}
	return found, nil
}

// namedSuite returns the suite that the key's alg or the hint names, zero if neither names one.
// It returns an error if they differ.
func namedSuite(j jwk.JWK, hint Hint, kind jwk.Kind) (Suite, error) {
	if j.Alg == "" {
		return hint.Suite, nil
	}
	if hint.Suite == 0 {
		s, err := suiteOf(j.Alg, kind)
		if err != nil {
			err = fmt.Errorf("%w; a %v key can be for %v", err, kind, suitesFor(kind))
		}
		return s, err
	}
	if !hint.Suite.matches(j.Alg) {
		return 0, fmt.Errorf("%w: the key says alg %s, not %v", ErrUnsupported, jwk.Quote(j.Alg), hint.Suite)
	}
	return hint.Suite, nil
}

func suitesFor(kind jwk.Kind) []Suite {
	return slices.DeleteFunc(Suites(), func(s Suite) bool { return s.kind() != kind })
}

// useOf returns the use on which the key's use, its key_ops and the hint agree, empty if none
// of them states a use. It returns an error if they differ.
func useOf(j jwk.JWK, hint Hint) (Use, error) {
	use := Use(j.Use)
	if use != "" && use != UseSig && use != UseEnc {
		return "", fmt.Errorf("%w: use %s", ErrUnsupported, jwk.Quote(j.Use))
	}
	for _, said := range []Use{hint.Use, hint.Suite.Use(), useOfOperations(j.Ops)} {
		if said == "" || said == use {
			continue
		}
		if use != "" || said == mixedUse {
			return "", fmt.Errorf("%w: a key has one use, and this one says several", ErrUnsupported)
		}
		use = said
	}
	return use, nil
}

const mixedUse Use = "mixed"

// useOfOperations reads key_ops (RFC 7517 section 4.3). An empty list says nothing: Web
// Crypto writes one into every public ECDH key.
func useOfOperations(ops []string) Use {
	var sig, enc bool
	for _, op := range ops {
		switch op {
		case "sign", "verify":
			sig = true
		case "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits":
			enc = true
		}
	}
	switch {
	case sig && enc:
		return mixedUse
	case sig:
		return UseSig
	case enc:
		return UseEnc
	}
	return ""
}
