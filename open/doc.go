// Package open accepts sealed tokens: it decrypts, verifies and checks them, and returns a [Token],
// which only this package can fill.
//
// An [Opener] takes the tokens that package seal makes, and tokens of other implementations in the
// same form. [New] is for nested tokens, a compact JWE around a compact JWS. [NewSelective] is for
// selective tokens, a compact JWS with compact JWEs in its claim sealed. An Opener never guesses
// the form, and a token of one form never passes for the other. The keys decide which algorithms a
// token may have. The configuration decides which issuers, audiences and types it may name, and how
// long it may live.
//
// # Checks
//
// Sizes and times below are the defaults of [Limits].
//
// Of a nested token, the Opener checks before any cryptography: the length (64 KiB), the one
// canonical base64url spelling of every part, a header of at most 4 KiB of strict JSON without
// duplicate members, no crit, zip, b64, jwk, jku or x5u in any letters, exact lengths of
// initialization vector, tag and encrypted key, a kid that is ours and the algorithm of that very
// key. After decryption it checks: exactly three parts, a header by the same rules, a trusted
// issuer, the typ of that issuer, and a signature by that issuer's key that the header names. Then
// it checks the claims: exp, iss and aud are required, and every registered claim that is present
// must have its type; times with a leeway of 60 s; a lifetime of at most an hour; a registered
// claim that stands in the JWE's header too must be equal there. Claims that Config.Require names
// must have been sealed. Then the Opener refuses a token without typ or exp, and a JWE without cty.
// Config.Check comes last. The Opener does not know your users: check yourself that the sub names
// one.
//
// # What a token may lack
//
// A typ, a cty and a kid are optional in RFC 7515, 7516 and 7519, an exp too, and large issuers
// leave them out. [Issuer.AllowMissing] and Config.AllowMissing accept a token that lacks one of
// them, by the names [Type], [Expiry], [KeyID] and [ContentType], whose documentation tells the
// danger. The other checks stay, and a member that is present is always checked.
//
// Some tokens are refused whatever the configuration. A payload without iss, aud and exp, such as
// the userinfo of SPID and CIE, the person data of Singpass MyInfo and the payment data of the UAE,
// is tied to no sender, no reader and no time. A presentation of OpenID4VP is encrypted and not
// signed, so every holder of the public key can make one. The keys of gematik are on Brainpool
// curves, which Go's standard library does not have, and its encrypted tokens have the signed token
// in a member njwt.
//
// # The selective form
//
// The Opener verifies a selective token first, so that our keys decrypt only JWEs that a trusted
// issuer has put together. Then it checks the claims in clear by the same rules. The claim sealed
// must be an array of JWEs and not empty. Every JWE, for us or for another recipient, must have a
// header by the rules above, the cty sealed-claims+json and a kid of its own. Its header must name
// the iss and the jti of this very token, which therefore must have both: a JWE that an attacker
// lifted out of another token is refused. Only then does the Opener decrypt the JWEs whose kid
// names a key of ours. A token without such a JWE is refused, and so is a token with a JWE for a
// key of ours that was destroyed. If one JWE opens and another does not, the Opener takes the other
// to be for another recipient, whose key has the same kid as a key of ours, and skips it. The
// Opener does not look at the content of another recipient's JWE, nor at its encryption.
//
// The sealed claims are merged with the claims in clear. A token is refused if a name stands in
// both, in any case of letters, or with two values in two JWEs, where 1 and 1.0 are two; or if a
// registered claim, cnf, sid or sealed is sealed.
//
// [NewGateway] makes the Opener of a gateway. It makes all of these checks that are
// possible without private keys, and returns the claims in clear. Of the sealed claims it
// knows only the number of JWEs. Only their recipients find out whether the JWEs can be
// decrypted, and whether they contradict the claims in clear.
//
// # What an error says
//
// [Error.Error] may be sent to the client that sent the token: it is the text of one of the errors
// of this package, such as [ErrExpired], and for [ErrClaims] a fixed phrase. It holds nothing of
// the token. All failures of decryption and signature are one error.
//
// [Error.Detail] is for the logs of the service: the reason in full, in one line. It may hold iss,
// aud, jti and times, values of headers, kids, and the texts of the errors of key sources and of
// Config.Check; never another claim, a token or a key. For some refusals Detail names a setting of
// the configuration that may avoid them, and [Error.Avoidable] returns it.
//
// A token's text is not its identity. Every holder of a signed token can change its ECDSA signature
// (r, s) to (r, n-s), which is valid too, or encrypt it to us once more. Use the pair of
// Token.Issuer and Token.ID, for deny lists above all.
package open
