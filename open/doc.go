// Package open accepts sealed tokens: it decrypts, verifies and checks them, and returns
// a value that only this package can make.
//
// An [Opener] takes exactly the tokens that package seal makes, and tokens of other
// implementations in the same form. [New] is for nested tokens, a compact JWE around a
// compact JWS. [NewSelective] is for selective tokens, a compact JWS with compact JWEs in
// its claim sealed. An Opener never guesses the form, and a token of one form never
// passes for the other. The keys decide on the algorithms, the configuration on
// everything else; whatever the configuration does not allow is refused.
//
// # Checks
//
// Of a nested token, the Opener checks before any cryptography: the length (64 KiB), the
// one canonical base64url spelling of every part, headers of at most 4 KiB of strict JSON
// without duplicate members, no crit, zip, b64, jwk, jku or x5u in any letters, exact
// lengths of initialization vector, tag and encrypted key, a kid that is ours and the
// algorithm of that very key. After decryption it checks: exactly three parts, a trusted
// issuer, the typ of that issuer, and a signature by one of its keys. Then it checks the
// claims: exp, iss and aud are required, and every registered claim that is present must
// have its type; times with a leeway of 60 s; a lifetime of at most an hour; copies in
// the header must equal the claims inside. Claims that Config.Require names must have
// been sealed. Last, the token must have a typ and an exp, and the JWE a cty.
// Config.Check has the last word. You have to check that the sub is a user of yours.
//
// # What a token may lack
//
// A typ, a cty and a kid are optional in RFC 7515, 7516 and 7519, an exp too, and large
// issuers leave them out. [Issuer.AllowMissing] and Config.AllowMissing accept a token that
// lacks one of them, by the names [Type], [Expiry], [KeyID] and [ContentType], which tell
// the danger. No other check changes, and a member that is present is always checked.
//
// Some tokens stay closed. A payload without iss, aud and exp, such as the userinfo of SPID
// and CIE, the person data of Singpass MyInfo and the payment data of the UAE, is tied to no
// sender, no reader and no time. A presentation of OpenID4VP is encrypted and not signed, so
// every holder of the public key can make one. The tokens of gematik are on curves that the
// standard library does not have, with a payload of their own.
//
// # The selective form
//
// In a selective token the signature comes first, so that our keys decrypt only JWEs that
// a trusted issuer has put together. Then come the claims in clear, by the same rules.
// sealed must be an array of JWEs and not empty. Every JWE, for us or for another
// recipient, must have a header by the rules above, the cty sealed-claims+json and a kid
// of its own. Its header must name the iss and the jti of this very token, which
// therefore must have both: a JWE that an attacker lifted out of another token is
// refused. Only then are the JWEs decrypted whose kid names a key of ours. A token
// without such a JWE is refused, and so is a token with a JWE whose key was destroyed. A
// JWE that does not open is skipped if another one does: it is for another recipient
// whose key has the same kid as one of our keys. The Opener does not look at the content
// of another recipient's JWE, nor at its encryption.
//
// The sealed claims are merged with the claims in clear. A name must not stand in both,
// in any case of letters, nor with two values in two JWEs, where 1 and 1.0 are two;
// registered claims, cnf and sid must not be sealed at all.
//
// [NewGateway] makes the Opener of a gateway. It makes all of these checks that are
// possible without private keys, and returns the claims in clear. Of the sealed claims it
// knows only the number of JWEs. Only their recipients find out whether the JWEs can be
// decrypted, and whether they contradict the claims in clear.
//
// # What an error says
//
// [Error.Error] may be sent to the client that sent the token: it is the class, which
// errors.Is tells, and a fixed phrase about claims. It holds nothing of the token. All
// failures of decryption and signature are one error.
//
// [Error.Detail] is for the logs of the service: the reason in full, in one line. It may
// hold iss, aud, jti and times, values of headers, kids, and the texts of the errors of
// key sources and of Config.Check; never another claim, a token or a key. If a setting
// would have avoided the refusal, Detail names the setting, and [Error.Avoidable] returns
// it.
//
// A token's text is not its identity: one ECDSA signature has two valid spellings. Use
// the pair of Token.Issuer and Token.ID, for deny lists above all.
package open
