package peers

import (
	"fmt"
	"slices"
	"strings"
)

// hole is a suite that a peer does not have, so that no cell with it works, in
// either direction. A cell that works all the same fails the test, and so does one
// that fails for another reason: the list neither outlives its reasons nor hides
// what breaks elsewhere.
type hole struct {
	peer    string
	version string // the only one that has the hole; "" is all of them
	suite   string
	says    []string // the peer's complaint, when it seals or when it opens
	why     string   // the note under the matrix
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
		// Up to this version it looks for RSA-OAEP in OpenSSL with #ifdef, and OpenSSL 3
		// has made a function of the macro.
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

// holes are those that any of the suites falls into.
func holes(peer, version string, suites ...string) (found []hole) {
	for _, h := range cannot {
		if h.peer == peer && (h.version == "" || h.version == version) && slices.Contains(suites, h.suite) {
			found = append(found, h)
		}
	}
	return found
}

// refused turns around what a cell with holes gave: nil when the peer failed as it
// must, an error otherwise.
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
