package peers

import (
	"fmt"
	"slices"
	"strings"
)

// hole is a suite that a peer lacks. No cell with it works, in either direction. If a cell works
// all the same, or fails for another reason, the test fails. So the list never outlives its
// reasons, and never hides another fault.
type hole struct {
	peer    string
	version string // the only version with the hole; "" means all
	suite   string
	says    []string // texts of the peer's error when it seals or opens
	why     string   // note under the matrix
}

var cannot = []hole{
	{
		peer: "go-jose", suite: "ECDH-ES/X25519",
		says: []string{"unsupported key type"}, why: noX25519,
	},
	{
		peer: "go-jose", suite: "ECDH-ES+A256KW/X25519",
		says: []string{"unsupported key type"}, why: noX25519,
	},
	{
		peer: "latchset jose", suite: "ECDH-ES/X25519",
		says: []string{"jwe enc: exit status 1: Wrapping failed!", "jwe dec: exit status 1: Unwrapping failed!"}, why: latchsetNoX25519,
	},
	{
		peer: "latchset jose", suite: "ECDH-ES+A256KW/X25519",
		says: []string{"jwe enc: exit status 1: Wrapping failed!", "jwe dec: exit status 1: Unwrapping failed!"}, why: latchsetNoX25519,
	},
	{
		peer: "latchset jose", suite: "EdDSA",
		says: []string{"Signing algorithm (EdDSA) is not supported"},
		why:  "The command `jose` of latchset has no EdDSA.",
	},
	{
		// Up to this version it looks for RSA-OAEP in OpenSSL with #ifdef, and OpenSSL 3 has made a
		// function of the macro.
		peer: "latchset jose", version: "11", suite: "RSA-OAEP-256",
		says: []string{"jwe enc: exit status 1: Wrapping failed!", "jwe dec: exit status 1: Unwrapping failed!"}, why: latchsetNoOAEP,
	},
	{
		peer: "latchset jose", version: "11", suite: "RSA-OAEP",
		says: []string{"jwe enc: exit status 1: Wrapping failed!", "jwe dec: exit status 1: Unwrapping failed!"}, why: latchsetNoOAEP,
	},
}

const (
	noX25519         = "go-jose has no X25519, and refuses a JWK Set in which one key is on it."
	latchsetNoX25519 = "The command `jose` of latchset has no X25519 either."
	latchsetNoOAEP   = "Its version 11, built with OpenSSL 3 as in Debian 12, lacks RSA-OAEP, with either hash."
)

// holes returns the holes of a peer that concern any of the suites.
func holes(peer, version string, suites ...string) (found []hole) {
	for _, h := range cannot {
		if h.peer == peer && (h.version == "" || h.version == version) && slices.Contains(suites, h.suite) {
			found = append(found, h)
		}
	}
	return found
}

// refused judges the error of a cell with holes. It returns nil if the peer failed as it must, and
// an error otherwise.
func refused(holes []hole, err error) error {
	if err == nil {
		return fmt.Errorf("this works now: %s", holes[0].why)
	}
	for _, h := range holes {
		if slices.ContainsFunc(h.says, func(says string) bool { return strings.Contains(err.Error(), says) }) {
			return nil
		}
	}
	return fmt.Errorf("it must fail, but not with %w (%s)", err, holes[0].why)
}
