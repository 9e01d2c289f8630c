package jwk

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// readPEM returns the first key of a PEM text. It passes over the curve parameters that
// openssl writes before the key.
func readPEM(data []byte) (material any, err error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("%w: no key in the PEM text", ErrMalformed)
		}
		data = rest
		if block.Type == "EC PARAMETERS" {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, fmt.Errorf("%w: the PEM key has a passphrase: remove it first, with openssl pkey -in FILE", ErrUnsupported)
		}
		return parseBlock(block)
	}
}

func parseBlock(block *pem.Block) (material any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		material, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		material, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		material, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		material, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		material, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("%w: PEM block %s", ErrUnsupported, Quote(block.Type))
	}
	if err != nil && isX25519(block.Bytes) {
		if mode := ECDHESX25519.CheckMode(); mode != nil {
			return nil, mode
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: damaged PEM block %s", ErrMalformed, Quote(block.Type))
	}
	if r, ok := material.(*rsa.PrivateKey); ok && len(r.Primes) != 2 {
		return nil, fmt.Errorf("%w: RSA with more than two primes", ErrUnsupported)
	}
	return material, nil
}
