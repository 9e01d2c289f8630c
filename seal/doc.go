// Package seal makes tokens with claims that nobody can read but their recipient.
//
// A JWT is signed, not secret: whoever finds one in a log, a proxy or a browser
// reads the e-mail address in it. A [Sealer] signs claims and encrypts them to the
// recipient's public key, in one of two forms. Package open is the other side.
//
// A nested token is the signed token, encrypted as a whole to one recipient: a Nested
// JWT, RFC 7519 section 5.2, which other implementations read and write too.
//
//	outer JWE header   {"alg","enc","kid","epk","cty":"JWT"}
//	inner JWS header   {"alg","kid","typ":"sealed+jwt"}
//	inner JWS payload  {"iss","sub","aud","iat","nbf","exp","jti", custom claims}
//
// A selective token is a signed JWT that any gateway can verify and route. The claims
// that SelectiveConfig.Visible does not name are encrypted, in one JWE for each recipient, and
// different recipients may read different ones.
//
//	JWS header   {"alg","kid","typ":"JWT"}
//	JWS payload  {"iss","sub","aud","iat","nbf","exp","jti", visible claims, "sealed":[JWE, …]}
//	JWE header   {"alg","enc","kid","epk","cty":"sealed-claims+json","iss","jti"}
//
// The defaults are ES256, and ECDH-ES on P-256 with A256GCM, which nearly every
// other implementation reads. The keys decide on the algorithms, Recipient.Content on
// the content encryption; nothing else does. Recipient.Suites says what a recipient's key
// is for that names no algorithm, and which algorithms may be used at all. Without a kid
// of that key the outer header has none.
//
// # What a stranger still sees
//
// Of a nested token the outer header: the algorithms, the kid of the recipient's key,
// and what Config.Replicate copies there.
//
// Of a selective token all but the sealed claims: the registered and the visible
// ones, the kid and the typ that it was signed with, how many recipients there are,
// and for each the algorithms and its kid. There is one JWE for each recipient,
// whatever it reads of this person. The names of sealed claims are sealed too.
//
// The length of either token reveals the length of the claims, to the byte with GCM and to
// the block with CBC: of all of them in a nested token, for each recipient in a selective one.
// It is often enough to tell one value from another, or whether there is one.
// Limits.Pad rounds it.
//
// # The guard
//
// A sealer refuses to leave personal data readable by mistake, with [ErrReadable]:
// in a visible claim, by its name or its value; in sub and jti, iss and aud wherever
// they can be read; in the kids and the typ. What belongs to the configuration is
// told by [New], the rest by Seal, before anything is signed. Config.AllowReadable
// names what may stay. Package pii says what is found: what has a telling name or a
// format of its own. It finds mistakes, and is no proof that nothing is left.
//
// # What the recipient can do
//
// A recipient can lift the signed token out of its envelope and show it to others. Its
// typ, sealed+jwt, makes it useless to every verifier that checks typ. For verifiers
// that do not, or with a Config.Type that they take, only an audience of its own keeps
// the token from passing as a plain one elsewhere: give every recipient its own.
//
// A selective token is a plain signed JWT to everybody: each of its recipients, and
// whoever else finds it, can show it to all audiences in aud.
package seal
