// Package sessions lists the devices of a user and logs one out, so that every verifier refuses
// its tokens within a moment.
//
// The issuer has a [Registry] over a [Store]. The store knows which sessions live. A [Feed]
// publishes what has ended, signed by the issuer's ring. A verifier follows the feed with a
// [Remote] and never asks a store: it only adds to its list, and forgets by the clock alone.
package sessions
