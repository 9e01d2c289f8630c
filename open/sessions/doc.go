// Package sessions lists the devices of a user and logs one out, so that every verifier refuses
// its tokens within a moment.
//
// The issuer has a [Registry] over a [Store]. The store knows which sessions live. A [Feed]
// publishes the sessions and tokens that have ended, signed by the issuer's ring. A verifier
// follows the feed with a [Remote] and never asks a store: it only adds to its list, and forgets
// by the clock alone.
//
// # The sid
//
// A token names its session by the claim sid, which package seal writes from Claims.Session.
// In a selective token every reader sees the sid, and it is the same in all tokens of a device:
// who collects tokens can link the requests of that device. The feed holds hashes, since a sid
// may also be a cookie of the issuer. Who reads the feed sees how many sessions end, and when.
//
// # How old a list may be
//
// A frame of the feed has the time at which a hub last read the store. A Remote whose newest
// frame is older than RemoteConfig.MaxStale refuses every token with an error that package
// bearer answers with 503, and so does one that was never in step. So deploy the issuer first.
// Routes that need more stand behind [Remote.Fresh].
//
// MaxStale is the lifetime of the tokens, and at most 15 minutes, unless it is set. Then an
// outage of the issuer refuses no token that would live without the feed, and an attacker who
// cuts the feed gains no more time for an ended session than a token lives anyway.
//
// # The feed
//
// A frame is a JWS with the typ revoked+jwt, signed by the ring. It says from which revision of
// the store to which it leads, what ended between, and count and digest of the whole list. A
// Remote that lost an entry sees that at the next frame, at most 5 s later, and fetches the
// whole list. No frame that comes again, in whatever order, takes an entry back or makes a list
// look younger than it is.
package sessions
