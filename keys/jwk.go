package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// As says what a key is for where its own data does not: PEM never does, a JWK
// may leave it open. The zero As adds nothing.
type As struct {
	Use   Use
	Suite Suite // stands for its use too
}

// jwk is one JSON Web Key as it was read, before a suite is chosen.
type jwk struct {
	kid, use, alg string
	ops           []string
	private       bool
	material      any // public key, or privateHalf if private
}

// The members of a JWK that make up the key (RFC 7518 section 6, RFC 8037
// section 2). All others never reach the parser of key material: certificates
// and URLs in a JWK are attack surface that nobody here asks for. The CRT
// parameters of RSA are computed anew.
var (
	publicMembers  = map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
	privateMembers = map[string][]string{"EC": {"d"}, "OKP": {"d"}, "RSA": {"d", "p", "q"}}
	secretMembers  = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}
)

func hasSecret(o strict.Object) bool {
	return slices.ContainsFunc(secretMembers, func(name string) bool { _, ok := o.Raw(name); return ok })
}

func readJWK(o strict.Object) (j jwk, err error) {
	for name, dst := range map[string]*string{"kid": &j.kid, "use": &j.use, "alg": &j.alg} {
		if *dst, _, err = o.Text(name); err != nil {
			return jwk{}, fmt.Errorf("%w: %s must be a string", ErrMalformed, name)
		}
	}
	if _, _, err = o.Array("key_ops"); err == nil {
		j.ops, _, err = o.Strings("key_ops")
	}
	if err != nil {
		return jwk{}, fmt.Errorf("%w: key_ops must be an array of strings", ErrMalformed)
	}
	_, j.private = o.Raw("d")
	j.material, err = readMaterial(o, j.private)
	return j, err
}

func readMaterial(o strict.Object, private bool) (any, error) {
	kty, _, err := o.Text("kty")
	if err != nil || kty == "" {
		return nil, fmt.Errorf("%w: a JWK needs kty", ErrMalformed)
	}
	if _, ok := publicMembers[kty]; !ok {
		return nil, fmt.Errorf("%w: key type %s", ErrUnsupported, quote(kty))
	}
	if crv, _, _ := o.Text("crv"); kty == "EC" && crv != "P-256" || kty == "OKP" && crv != "Ed25519" && crv != crvX25519 {
		return nil, fmt.Errorf("%w: curve %s of key type %s", ErrUnsupported, quote(crv), quote(kty))
	}
	if _, ok := o.Raw("oth"); ok {
		return nil, fmt.Errorf("%w: RSA with more than two primes", ErrUnsupported)
	}
	names := publicMembers[kty]
	if private {
		names = slices.Concat(names, privateMembers[kty])
	}
	reduced := map[string]string{"kty": kty}
	for _, name := range names {
		s, ok, err := o.Text(name)
		if err == nil && ok && name != "crv" {
			_, err = strict.DecodeBase64URL(s)
		}
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: a %s key needs %s in base64url", ErrMalformed, kty, name)
		}
		reduced[name] = s
	}
	return decodeMaterial(reduced)
}

func decodeMaterial(members map[string]string) (any, error) {
	if members["crv"] == crvX25519 {
		return decodeX25519(members)
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("%w: not a valid %s key", ErrMalformed, members["kty"])
	}
	switch p := k.Key.(type) {
	case *ecdsa.PrivateKey:
		// Without this a private key could be filed under somebody else's public one.
		d, _ := strict.DecodeBase64URL(members["d"]) // decoded once already; of nothing there is no key
		own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
		if err != nil || !own.PublicKey.Equal(&p.PublicKey) {
			return nil, fmt.Errorf("%w: the private and the public half do not belong together", ErrMalformed)
		}
		return own, nil
	case *rsa.PrivateKey:
		p.Precompute()
	}
	return k.Key, nil
}

// suites returns what the key is for: one suite, or, when neither it nor as says
// and the key is public, one for each use.
func (j jwk) suites(as As) ([]Suite, error) {
	pub := j.material
	if p, ok := j.material.(privateHalf); ok {
		pub = p.Public()
	}
	k, ok := kindOf(pub)
	if !ok {
		return nil, fmt.Errorf("%w: key type", ErrUnsupported)
	}
	use, err := j.resolveUse(as)
	if err != nil {
		return nil, err
	}
	if s, err := j.namedSuite(as, k); err != nil || s != 0 {
		if err == nil && (s.kind() != k || use != "" && s.Use() != use) {
			err = fmt.Errorf("%w: %v does not fit a %v key with this use", ErrUnsupported, s, k)
		}
		return []Suite{s}, err
	}
	var found []Suite
	for _, u := range []Use{UseSig, UseEnc} {
		if s, ok := defaultSuite(k, u); ok && (use == "" || use == u) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: a %v key cannot have use %s", ErrUnsupported, k, quote(string(use)))
	}
	return found, nil
}

func (j jwk) namedSuite(as As, k kind) (Suite, error) {
	if j.alg == "" {
		return as.Suite, nil
	}
	if as.Suite == 0 {
		return suiteOf(j.alg, k)
	}
	if !as.Suite.Matches(j.alg) {
		return 0, fmt.Errorf("%w: the key says alg %s, not %v", ErrUnsupported, quote(j.alg), as.Suite)
	}
	return as.Suite, nil
}

func (j jwk) resolveUse(as As) (Use, error) {
	use := Use(j.use)
	if use != "" && use != UseSig && use != UseEnc {
		return "", fmt.Errorf("%w: use %s", ErrUnsupported, quote(j.use))
	}
	for _, said := range []Use{as.Use, as.Suite.Use(), usesOf(j.ops)} {
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

// usesOf reads key_ops (RFC 7517 section 4.3). An empty list says nothing: Web
// Crypto writes one into every public ECDH key.
func usesOf(ops []string) Use {
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

func (j jwk) key(s Suite) (*Key, error) {
	if j.private {
		return newPrivateKey(j.kid, s, j.material.(privateHalf))
	}
	return newKey(j.kid, s, j.material)
}
