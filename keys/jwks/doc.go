// Package jwks carries public keys between parties over HTTP, as JWK Sets (RFC 7517
// section 5): [Handler] serves those of one party, [Remote] fetches and caches those of
// another, [Discover] finds out where they are.
//
//	mux.Handle("/jwks.json", publish)
//
//	idp, err := jwks.NewRemote(jwks.RemoteConfig{URL: "https://id.example.com/jwks.json"})
//	opener, err := open.New(open.Config{
//		Trust: []open.Issuer{{ID: "https://id.example.com", Keys: idp}}, …
//	})
//
// # How long a revoked key is accepted
//
// A Remote goes by the max-age of the answer (RFC 9111 section 5.2), 5 minutes if it has
// none, and replaces the whole set: a key that its owner has taken out is refused after
// the next fetch. While it cannot fetch, it goes on with the set it has for MaxStale, an
// hour, and then has none: everything is refused.
//
// A cache on the way keeps a set for as long as its issuer lets it: max-age, s-maxage, or
// the max-age of CDN-Cache-Control (RFC 9213), whichever is longest, a day if the answer has
// none. A set that is older than that by its Age is stale, and asked for once more at once,
// past caches. If that does not help, it does not count as fetched anew: MaxStale runs from
// when it became stale, and one that has been stale for longer is not used at all.
// stale-while-revalidate and stale-if-error are no permission: a revoked key would live for
// as long as nobody asks.
//
// Nor does a set take the place of one with other keys that its issuer made later, by the
// whole seconds of Age: what Refresh has taken out, a cache that is behind does not bring
// back. That fetch fails, after a second try past caches, and the later set is used for
// MaxStale. If there is nothing but older sets for all that time, one is taken that its
// issuer still lets caches keep: else everything would be refused though nothing has
// happened but a rotation.
//
// So whoever can keep a service, or the cache that it asks, from reaching an issuer can keep
// a key alive for that hour beyond what the issuer lets caches keep, and no longer, as long
// as that cache sends Age. One that sends none cannot be told from the issuer: its sets pass
// for the latest, and what others have for older. An operator
// who hears of a stolen key does not wait for any of this: [Remote.Refresh] asks at once,
// past every cache that heeds no-cache.
//
// # Issuers behind a CDN
//
// Many CDNs are set to keep a set for longer than its Cache-Control says, and to heed no
// no-cache of a client. Then its Age is beyond its max-age much of the time, and a Remote
// sees stale sets only: it asks in each Cooldown, and once they have been stale for longer
// than MaxStale, everything is refused. The issuer mends that by saying what its CDN may do,
// in s-maxage or in CDN-Cache-Control, and by having it pass that on; until it does, a
// longer MaxStale accepts what the CDN keeps. With such a CDN a revoked key is accepted, and
// a new one unknown, for as long as the CDN keeps the set, and Refresh does not help: the
// issuer has to purge it there.
//
// # How often it is fetched
//
// Tokens name the key that they are signed with, and anybody may send one. So it is not
// the tokens that decide how often their issuer is asked: at most one fetch is started
// in Cooldown, 30 seconds, for whatever reason but Refresh. While there is no usable set
// it is one in a sixth of that: a try every 5 seconds, as long as somebody asks. A fetch
// is one request, and a second one past caches where the first answer was stale, older
// than what is held, or a 304 about another set. Redirects come on top.
//
// A set is fetched again after three quarters of its max-age, but not before Cooldown is
// over and not later than at half of MaxStale: within one caller's request, while all
// others go on with the old one. For a kid that is not in it, it is fetched as soon as
// Cooldown allows, past caches on the way, and all who need that kid wait. Who needs a set
// where there is none waits too, unless the last try has just failed: then only the
// caller waits who started the next one, and the others have that error. None waits
// longer than its context, and a fetch ends with Timeout.
//
// # What is fetched
//
// Only https, except from the machine itself: whoever changes the answer chooses the keys.
// At most MaxBytes are read, and no compressed answer; redirects stay on the host. A set
// with private keys in it is refused as a whole, as is what is no JWK Set; members that
// cannot be used are passed over (see keys.ParsePublicSet) and told to Report. A set
// without any usable key is a set, and nothing verifies: its owner may have revoked all
// of them.
//
// # Server-side request forgery
//
// A Remote fetches the URL of its configuration and no other; there is nothing in a
// token that it would follow (jku and x5u are refused). Where the URL or the issuer
// comes from somebody else, as with dynamic registration of clients, it may name
// services that only this machine can reach. Names cannot tell: give RemoteConfig a
// Transport whose Dialer.Control refuses private addresses after the name was resolved.
package jwks
