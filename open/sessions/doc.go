// Package sessions lists the devices of a user and logs a device out, so that within a moment every
// verifier refuses the tokens of that device.
//
// The issuer has a [Registry] over a [Store]. The store knows which sessions live. A [Feed]
// publishes the sessions and tokens that have ended, signed by the issuer's ring. A verifier
// follows the feed with a [Remote] and never asks a store: it only adds to its list, and forgets
// by the clock alone.
//
// # The sid
//
// A token names its session by the claim sid, which package seal writes from Claims.Session. In a
// selective token every reader sees the sid, and it is the same in all tokens of a device: a reader
// who collects tokens can link the requests of that device. The feed holds hashes of sids, since an
// issuer may use the sid as a login cookie too. A reader of the feed sees how many sessions end,
// and when.
//
// # How old a list may be
//
// A hub is a process of the issuer that runs a [Feed]. A frame, which is a message of the feed as
// described below, has the time at which the hub last read the store. A Remote whose newest frame
// is older than RemoteConfig.MaxStale refuses every token with an error that package bearer answers
// with 503. So does a Remote that never had a complete list: deploy the issuer before the
// verifiers. Put routes that need a younger list behind [Remote.Fresh].
//
// If MaxStale is not set, it is the lifetime of the tokens, and at most 15 minutes. So an attacker
// who cuts the feed gains no more time for an ended session than a token lives anyway. If tokens
// live for 15 minutes or less, a verifier refuses everything in an outage of the issuer only when
// the tokens from before the outage have expired anyway.
//
// # The feed
//
// A frame is a JWS with the typ revoked+jwt, signed by the ring. It has two cursors, which are
// places in the order of the store's revocations, the entries that ended between them, and the
// number and a digest of all entries of the list. A Remote that missed an entry sees that at the
// next frame, on a stream at most 5 s later, and fetches the whole list. If an attacker sends old
// frames again, in any order, they remove no entry and make no list look younger than it is.
package sessions
