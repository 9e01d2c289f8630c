package jwk

import (
	"crypto/fips140"
	"fmt"
)

// The errors for algorithms that GODEBUG=fips140=only does not allow. Without these errors the
// standard library would return an error or panic, with a text that does not say what to use
// instead.
var (
	// FIPS 140-3 approves the key agreements of SP 800-56A, which does not have the curve X25519.
	errX25519Mode = fmt.Errorf("%w: GODEBUG=fips140=only does not allow X25519; use %s or %s, which are on P-256", ErrUnsupported, ECDHES.Name, ECDHESKW.Name)
	errSHA1Mode   = fmt.Errorf("%w: GODEBUG=fips140=only does not allow SHA-1, which %s is made with; use %s", ErrUnsupported, RSAOAEP.Name, RSAOAEP256.Name)
)

// CheckMode returns [ErrUnsupported] for an algorithm that this process may not run: one on
// X25519 or with SHA-1, with GODEBUG=fips140=only. The text says what to use instead.
func (a Algorithm) CheckMode() error {
	switch {
	case !fips140.Enforced():
		return nil
	case a.Kind == X25519:
		return errX25519Mode
	case a == RSAOAEP:
		return errSHA1Mode
	}
	return nil
}
