package keys

import "context"

// PublicSource gives the public keys of one party: those that verify its
// signatures, and the one to encrypt to. A [PublicSet] is a source of itself; a
// [Ring] gives its own public half and follows its rotation.
//
// Public may do I/O. The kid is the one that is wanted, empty for any: a source
// that can refetch may do so for a kid it does not know. The set it returns may
// lack that kid all the same. Sources are safe for concurrent use.
type PublicSource interface {
	Public(ctx context.Context, kid string) (*PublicSet, error)
}

// PrivateSource gives one's own keys, to sign and decrypt with. A [Set] is a
// source of itself; a [Ring] follows its rotation. Private may do I/O. Sources
// are safe for concurrent use.
type PrivateSource interface {
	Private(ctx context.Context) (*Set, error)
}
