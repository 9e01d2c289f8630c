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
// are safe for concurrent use. One whose keys change behind it should be a
// [Reloader] too; so should what wraps a Ring.
type PrivateSource interface {
	Private(ctx context.Context) (*Set, error)
}

// Reloader is a [PrivateSource] that can look for newer keys. An opener asks it for a
// kid that the set does not hold, since another process may have rotated. Strangers
// choose that kid, so a Reloader bounds how often it really looks. Its error says why
// there may be newer keys that it cannot give.
type Reloader interface {
	Reload(ctx context.Context) (*Set, error)
}
