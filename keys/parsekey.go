package keys

import (
	"bytes"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// ParseKey reads one key, private or public, from a JWK (RFC 7517), or from PEM:
// PKCS#8 "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY" or "PUBLIC KEY". A
// JWK keeps its kid; a key without one gets the first 16 characters of its
// thumbprint that follow any - and _ at its start.
//
// It returns [ErrMalformed], [ErrUnsupported] or [ErrWeakKey]; ErrUnsupported
// also when neither the data nor as says whether a key that could do both is for
// signing or for encryption.
func ParseKey(data []byte, as As) (*Key, error) {
	j, err := readKey(data)
	if err != nil {
		return nil, err
	}
	suites, err := j.suites(as)
	if err != nil {
		return nil, err
	}
	if len(suites) > 1 {
		return nil, fmt.Errorf("%w: the key does not say what it is for: give its use (sig or enc) or its algorithm", ErrUnsupported)
	}
	return j.key(suites[0])
}

func readKey(data []byte) (jwk, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		material, private, err := readPEM(data)
		return jwk{material: material, private: private}, err
	}
	o, err := strict.ParseObject(data)
	if err != nil {
		return jwk{}, fmt.Errorf("%w: neither PEM nor a JWK", ErrMalformed)
	}
	if _, ok := o.Raw("keys"); ok {
		return jwk{}, fmt.Errorf("%w: this is a JWK Set; give one JWK of it", ErrMalformed)
	}
	return readJWK(o)
}
