// Package jwks carries public keys between parties over HTTP, as JWK Sets (RFC 7517
// section 5): [NewHandler] serves the keys of one party, [Remote] fetches and caches the
// keys of another, [Discover] finds out where they are.
//
//	publish, err := jwks.NewHandler(ring, jwks.HandlerConfig{})
//	mux.Handle("/jwks.json", publish)
//
//	idp, err := jwks.NewRemote(jwks.RemoteConfig{URL: "https://id.example.com/jwks.json"})
//	opener, err := open.New(open.Config{
//		Trust: []open.Issuer{{ID: "https://id.example.com", Keys: idp}}, …
//	})
//
// # How long a revoked key is accepted
//
// A Remote goes by the max-age of the answer (RFC 9111 section 5.2), 5 minutes if it has none,
// and replaces the whole set: after the next fetch it refuses a key that the issuer has taken
// out. While a Remote cannot fetch, it goes on with the set it has for MaxStale, an hour, and
// then has none: everything is refused.
//
// A cache on the way may keep a set for max-age or s-maxage, of Cache-Control or of
// CDN-Cache-Control (RFC 9213), whichever is longest, and for a day if the answer has none of
// them. A set with a greater Age is stale. A Remote then asks once more at once, past caches. If
// that does not help, the set does not count as fetched anew: MaxStale runs from when it became
// stale, and a set that has been stale for longer is refused. There are three exceptions:
//
//   - Where the issuer lets caches answer with a stale set (stale-while-revalidate and
//     stale-if-error of RFC 5861, without must-revalidate), the set counts as fresh for that
//     time too, but for no more than MaxStale.
//   - The first set of a Remote counts as fetched now, if it has been stale for no more than
//     a day. The Remote uses it for MaxStale, and by then needs a better one. FetchResult.Stale
//     says how stale the set was, so that Report can warn. A process that starts with the
//     CacheEntry of such a set does not count it as fetched anew.
//   - While a Remote has a set that it may use, it takes a set that the issuer made no earlier,
//     however stale that is. The new set counts as up to date when the set before was, at least.
//
// [Remote.Refresh] gives no grace to a stale set, and refuses every set that has been stale for
// longer than MaxStale.
//
// A Remote does not replace its set by an older set with other keys. It compares when the
// issuer made the two, by the Age of the answers in whole seconds. So a cache that is behind
// does not bring back a key that Refresh has taken out. A fetch of an older set fails, after a
// second try past caches, and the Remote goes on with the later set for MaxStale. If caches
// answer with nothing but older sets for all that time, the Remote takes an older set, unless that
// has been stale for longer than MaxStale. Otherwise everything would be refused after a mere
// rotation.
//
// An attacker may be able to keep a service, or the cache that it asks, from reaching an
// issuer. Then a revoked key is accepted for an hour (MaxStale) longer than the issuer lets
// caches answer with that key, and no longer, if that cache sends Age. If the service starts anew
// without a CacheEntry, it takes a set of the day before for an hour. A cache that sends no Age
// looks like the issuer: a Remote takes its sets for new, and the sets of other caches for
// older ones. An operator who hears of a stolen key does not wait for any of this:
// [Remote.Refresh] asks at once, past every cache that heeds no-cache.
//
// # Issuers behind a CDN
//
// Many CDNs are set to keep a set for longer than its Cache-Control says, and to ignore the
// no-cache of a client. Then the Age of the set is beyond its max-age much of the time, and a
// Remote gets only stale sets: it asks again after each Cooldown. Once the sets have been stale
// for longer than MaxStale, everything is refused. A service that starts at that time uses its
// first set for MaxStale. The issuer can mend that: it says in s-maxage or in CDN-Cache-Control
// how long its CDN may keep a set, and has the CDN pass this field on. Until it does, a longer
// MaxStale accepts the sets that the CDN keeps. With such a CDN a revoked key is accepted, and
// a new one unknown, for as long as the CDN keeps the set. Refresh does not help: the issuer
// has to purge the set there.
//
// # How often it is fetched
//
// Tokens name the key that they are signed with, and any client may send one. So tokens do
// not decide how often their issuer is asked: a Remote starts at most one fetch in
// Cooldown, 30 seconds, for whatever reason but Refresh. While it has no usable set it
// starts one in a sixth of that: a try every 5 seconds, as long as callers ask. A fetch is
// one request, and a second one past caches where the first answer was stale, older than
// the set that the Remote has, or a 304 about another set. Redirects come on top.
//
// A Remote fetches a set again after three quarters of its max-age, but not before Cooldown
// is over and not later than at half of MaxStale: within one caller's request, while all
// others go on with the old set. For a kid that is not in the set, it fetches as soon as
// Cooldown allows, past caches on the way, and all callers that need that kid wait. Callers
// that need a set where there is none wait too, unless the last try has just failed: then
// only the caller waits that started the next one, and the others have that error. No caller
// waits longer than its context, and a fetch ends with Timeout.
//
// # Which answers count
//
// A Remote fetches by https only, except from the machine itself: an attacker who changes the
// answer chooses the keys. Where a set is to be had by plain http only, fetch it over a way
// that you trust and read it with keys.ParsePublicSet. A Remote reads at most MaxBytes, and no
// compressed answer; redirects stay on the host. The Content-Type is application/jwk-set+json
// or application/json, or one that AllowContentType names. It refuses a set with private keys
// as a whole, and an answer that is not a JWK Set. It passes over members that cannot be used
// (see keys.ParsePublicSet), and Report learns of them. A set without any usable key is
// accepted, and then nothing verifies: its issuer may have revoked all keys.
//
// # Server-side request forgery
//
// A Remote fetches the URL of its configuration and no other; it follows nothing that stands in
// a token (jku and x5u are refused). Where another party chooses the URL or the issuer, as with
// dynamic registration of clients, the URL may name services that only this machine can reach.
// The name in the URL does not show that: give RemoteConfig a Transport whose Dialer.Control
// refuses private addresses after the name was resolved.
package jwks
