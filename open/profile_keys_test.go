package open

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// otherKey is a key of the extension: for one algorithm, as every Key is.
type otherKey struct {
	kid, alg string
	material any // []byte, *rsa.PublicKey or PrivateKey, *ecdsa.PublicKey or *ecdh.PrivateKey
}

// misnamed are the alg of JWKs in the vectors that are no algorithm of a token: a slip
// in Wycheproof, and in RFC 7520 section 5.6 the content that a key for dir encrypts.
var misnamed = map[string]string{"ES521": "ES512", "A128GCM": "dir"}

// algorithms are what the extension knows: those of RFC 7518 and RFC 8037 with the key
// type, and for a secret its length in bytes: exactly, for MACs at least, for a
// password 0. The offered ones are here too, for their keys with another content.
var algorithms = map[string]struct {
	use    keys.Use
	kty    string
	length int
}{
	"HS256": {keys.UseSig, "oct", 32}, "HS384": {keys.UseSig, "oct", 48}, "HS512": {keys.UseSig, "oct", 64},
	"RS256": {keys.UseSig, "RSA", 0}, "RS384": {keys.UseSig, "RSA", 0}, "RS512": {keys.UseSig, "RSA", 0},
	"PS256": {keys.UseSig, "RSA", 0}, "PS384": {keys.UseSig, "RSA", 0}, "PS512": {keys.UseSig, "RSA", 0},
	"ES384": {keys.UseSig, "P-384", 0}, "ES512": {keys.UseSig, "P-521", 0},

	"RSA1_5": {keys.UseEnc, "RSA", 0}, "RSA-OAEP": {keys.UseEnc, "RSA", 0}, "RSA-OAEP-256": {keys.UseEnc, "RSA", 0},
	"A128KW": {keys.UseEnc, "oct", 16}, "A192KW": {keys.UseEnc, "oct", 24}, "A256KW": {keys.UseEnc, "oct", 32},
	"A128GCMKW": {keys.UseEnc, "oct", 16}, "A192GCMKW": {keys.UseEnc, "oct", 24}, "A256GCMKW": {keys.UseEnc, "oct", 32},
	"PBES2-HS256+A128KW": {keys.UseEnc, "oct", 0}, "PBES2-HS384+A192KW": {keys.UseEnc, "oct", 0}, "PBES2-HS512+A256KW": {keys.UseEnc, "oct", 0},
	"dir":     {keys.UseEnc, "oct", 0}, // as long as the content wants it
	"ECDH-ES": {keys.UseEnc, "ECDH", 0}, "ECDH-ES+A128KW": {keys.UseEnc, "ECDH", 0},
	"ECDH-ES+A192KW": {keys.UseEnc, "ECDH", 0}, "ECDH-ES+A256KW": {keys.UseEnc, "ECDH", 0},
}

// readOthers reads one's own keys for this use, with the rules of keys.ParseKey and
// keys.NewSet: of one that cannot be used, or a kid that stands twice, there are none.
func readOthers(members []json.RawMessage, as string, use keys.Use) ([]*otherKey, error) {
	seen := make(map[string]bool)
	var all []*otherKey
	for _, m := range members {
		k, err := readOther(m, as, use)
		if err != nil {
			return nil, err
		}
		if seen[k.kid] {
			return nil, keys.ErrDuplicate
		}
		seen[k.kid] = true
		all = append(all, k)
	}
	return all, nil
}

func readOther(jwk []byte, as string, use keys.Use) (*otherKey, error) {
	o, err := strict.ParseObject(jwk)
	if err != nil {
		return nil, err
	}
	k := &otherKey{}
	var jwkUse string
	for name, dst := range map[string]*string{"kid": &k.kid, "alg": &k.alg, "use": &jwkUse} {
		if *dst, _, err = o.Text(name); err != nil {
			return nil, err
		}
	}
	ops, _, err := o.Strings("key_ops")
	if err != nil {
		return nil, err
	}
	if k.alg == "" {
		k.alg = as
	}
	if name, wrong := misnamed[k.alg]; wrong {
		k.alg = name
	}
	a, known := algorithms[k.alg]
	if !known || a.use != use || jwkUse != "" && jwkUse != string(use) || !opsAllow(ops, use) {
		return nil, fmt.Errorf("%w: alg %q, use %q, key_ops %q, where %s is asked for", ErrKey, k.alg, jwkUse, ops, use)
	}
	switch a.kty {
	case "oct":
		k.material, err = readSecret(o, k.alg, a.length)
	case "RSA":
		k.material, err = readRSA(o)
	default:
		k.material, err = readCurve(o, a.kty)
	}
	return k, err
}

// opsAllow is RFC 7517 section 4.3 for a key of one use.
func opsAllow(ops []string, use keys.Use) bool {
	signs := func(op string) bool { return op == "sign" || op == "verify" }
	if use == keys.UseSig {
		return len(ops) == 0 || !slices.ContainsFunc(ops, func(op string) bool { return !signs(op) })
	}
	return !slices.ContainsFunc(ops, signs)
}

func readSecret(o strict.Object, alg string, length int) ([]byte, error) {
	kty, _, _ := o.Text("kty")
	text, _, err := o.Text("k")
	if err != nil || kty != "oct" {
		return nil, errors.New("no secret key")
	}
	k, err := strict.DecodeBase64URL(text)
	if err != nil {
		return nil, err
	}
	// A MAC takes any key; RFC 7518 section 3.2 wants at least the hash.
	isMAC := strings.HasPrefix(alg, "HS")
	if len(k) == 0 || len(k) < length || !isMAC && length > 0 && len(k) != length {
		return nil, fmt.Errorf("a secret of %d bytes for %s", len(k), alg)
	}
	return k, nil
}

// reduced decodes the named members with go-jose, once package keys' rule of strict
// base64url is kept.
func reduced(o strict.Object, names ...string) (any, error) {
	members := make(map[string]string)
	for _, name := range names {
		text, ok, err := o.Text(name)
		if err == nil && name != "kty" && name != "crv" {
			_, err = strict.DecodeBase64URL(text)
		}
		if err != nil {
			return nil, err
		}
		if ok {
			members[name] = text
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	var k jose.JSONWebKey
	err = k.UnmarshalJSON(text)
	return k.Key, err
}

// readRSA leaves it to package keys what a usable modulus and exponent are.
func readRSA(o strict.Object) (any, error) {
	key, err := reduced(o, "kty", "n", "e", "d", "p", "q")
	if err != nil {
		return nil, err
	}
	var public crypto.PublicKey
	switch k := key.(type) {
	case *rsa.PublicKey:
		public = k
	case *rsa.PrivateKey:
		public = k.Public()
	default:
		return nil, errors.New("no RSA key")
	}
	text, err := json.Marshal(jose.JSONWebKey{Key: public})
	if err != nil {
		return nil, err
	}
	_, err = keys.ParseKey(text, keys.Hint{Suite: keys.RS256})
	return key, err
}

// readCurve reads a public key of this curve, or, for ECDH, a private one of any.
func readCurve(o strict.Object, curve string) (any, error) {
	if crv, _, _ := o.Text("crv"); curve == "ECDH" && crv == "X25519" {
		text, _, err := o.Text("d")
		if err != nil {
			return nil, err
		}
		d, err := strict.DecodeBase64URL(text)
		if err != nil {
			return nil, err
		}
		return ecdh.X25519().NewPrivateKey(d)
	}
	key, err := reduced(o, "kty", "crv", "x", "y", "d")
	if err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if curve == "ECDH" {
			return k.ECDH()
		}
		key = &k.PublicKey
	case *ecdsa.PublicKey:
	default:
		return nil, errors.New("no key on a NIST curve")
	}
	public := key.(*ecdsa.PublicKey)
	if want := map[string]elliptic.Curve{"P-384": elliptic.P384(), "P-521": elliptic.P521()}[curve]; public.Curve != want {
		return nil, fmt.Errorf("no key on %s", curve)
	}
	return public, nil
}
