// Package open accepts sealed tokens: it decrypts, verifies and checks them, and
// hands back a value that only it can make.
//
// An [Opener] takes exactly what package seal makes, and what other implementations make
// in the same form: [New] is for nested tokens, a compact JWE around a compact JWS, and
// [NewSelective] for selective ones, a compact JWS with compact JWEs in its claim sealed. An
// Opener never guesses the form, and a token of one never passes for the other. The keys
// decide on the algorithms, the configuration on everything else; what it leaves
// open is refused.
//
// # What is checked
//
// Of a nested token, before any cryptography: the length (64 KiB), the one
// canonical base64url spelling of every part, headers of at most 4 KiB of strict
// JSON without duplicate members, no crit, zip, b64, jwk, jku or x5u in any letters,
// exact lengths of initialization vector, tag and encrypted key, a kid that is ours and
// the algorithm of that very key. After decryption: exactly three parts, a trusted
// issuer, the typ of that issuer, and a signature by one of its keys. Then the
// claims: exp, iss and aud are required, and every registered claim that is
// present must have its type; times with a leeway of 60 s; a lifetime of at most
// an hour; copies in the header must equal the claims inside. Claims that
// Config.Require names must have been sealed. Last, the token must have a typ and an exp,
// and the JWE a cty. Config.Check has the last word. That the sub is a user of yours is for
// you to check.
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
// Of a selective token the signature comes first, so that our keys decrypt only what
// a trusted issuer has put together, and then the claims in clear, by the same
// rules. sealed must be an array of JWEs and not empty. Every JWE, whoever it is
// for, must have a header by the rules above, the cty
// sealed-claims+json and a kid that no other has, and its header must name the iss
// and the jti of this very token, which therefore must have both: a JWE that was
// lifted out of another token is refused. Only then are the JWEs decrypted whose
// kid is of a key of ours. None is an error, and so is one whose key was destroyed. One
// that does not open is skipped if another does: it is for somebody whose key has the
// kid of one of ours. What another recipient's JWE holds, and how it is encrypted, is
// not looked at.
//
// The sealed claims are merged with those in clear. A name must not stand in both,
// in any case of letters, nor with two values in two JWEs, where 1 and 1.0 are two;
// registered claims and cnf must not be sealed at all.
//
// [NewGateway] makes the Opener of a gateway: it checks all of this as far as it can be
// checked without keys, gives the claims in clear, and knows of the others only how many
// JWEs there are. That they can be decrypted, and do not contradict what it reads, only
// their recipients find out.
//
// # What an error says
//
// [Error.Error] is for whoever sent the token: the class, which errors.Is tells, and a
// fixed phrase about claims. It holds nothing of the token. All failures of decryption
// and signature are one error.
//
// [Error.Detail] is for the logs of the service: the reason in full, in one line. It may
// hold iss, aud, jti and times, values of headers, kids, and the texts of the errors of
// key sources and of Config.Check; never another claim, a token or a key. Where a setting
// would have avoided the refusal, it is named, and [Error.Avoidable] returns it.
//
// A token's text is not its identity: of one ECDSA signature there are two valid
// spellings. Use the pair of Token.Issuer and Token.ID, for deny lists above all.
package open
