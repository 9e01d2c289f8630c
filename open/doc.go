// Package open accepts sealed tokens: it decrypts, verifies and checks them, and
// hands back a value that only it can make.
//
// An [Opener] takes exactly what package seal makes, and what other
// implementations make in the same form: a compact JWE around a compact JWS. It
// never guesses the form. The keys decide on the algorithms, the configuration on
// everything else; what it leaves open is refused.
//
// # What is checked
//
// Before any cryptography: the length (64 KiB), the one canonical base64url
// spelling of every part, headers of at most 4 KiB of strict JSON without
// duplicate members, no crit, zip, b64, jwk, jku or x5u, exact lengths of
// initialization vector, tag and encrypted key, a kid that is ours and the
// algorithm of that very key. After decryption: exactly three parts, the expected
// typ, a trusted issuer, and a signature by one of that issuer's keys. Then the
// claims: exp, iss and aud are required, and every registered claim that is
// present must have its type; times with a leeway of 60 s; a lifetime of at most
// an hour; copies in the header must equal the claims inside. Config.Check has the
// last word.
//
// # What an error says
//
// Its class, by errors.Is, and nothing of the token. All failures of decryption
// and signature are one error.
//
// A token's text is not its identity: of one ECDSA signature there are two valid
// spellings. Use the pair of Token.Issuer and Token.ID, for deny lists above all.
package open
