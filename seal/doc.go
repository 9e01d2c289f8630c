// Package seal makes tokens with claims that only their recipient can read.
//
// A JWT is signed, not secret: a person who finds one in a log, a proxy or a browser reads
// the e-mail address in it. A [Sealer] signs claims and encrypts them to the recipient's
// public key, in one of two forms. Package open is the other side.
//
// A nested token is the signed token, encrypted as a whole to one recipient: a Nested
// JWT, RFC 7519 section 5.2, which other implementations read and write too.
//
//	outer JWE header   {"alg","enc","kid","epk","cty":"JWT"}
//	inner JWS header   {"alg","kid","typ":"sealed+jwt"}
//	inner JWS payload  {"iss","sub","aud","iat","nbf","exp","jti", custom claims}
//
// A selective token is a signed JWT that any gateway can verify and route. The sealer
// encrypts the claims that SelectiveConfig.Visible does not name, in one JWE for each
// recipient. Different recipients may read different claims.
//
//	JWS header   {"alg","kid","typ":"JWT"}
//	JWS payload  {"iss","sub","aud","iat","nbf","exp","jti", visible claims, "sealed":[JWE, …]}
//	JWE header   {"alg","enc","kid","epk","cty":"sealed-claims+json","iss","jti"}
//
// The defaults are ES256, and ECDH-ES on P-256 with A256GCM, which nearly every other
// implementation reads. The keys decide on the algorithms, and Recipient.Content on the content
// encryption. Recipient.Suites says which algorithms may be used at all. It also decides the
// algorithm of a recipient's key whose JWK names none. When the recipient's key has no kid, the
// outer header has none.
//
// # What a stranger still sees
//
// In a nested token a stranger sees the outer header: the algorithms, the kid of the
// recipient's key, and the claims that Config.Replicate copies there.
//
// In a selective token a stranger sees all but the sealed claims: the registered claims and
// the visible ones, the kid and the typ of the signed header, the number of recipients, and
// for each recipient the algorithms and the kid. There is one JWE for each recipient, also
// for a recipient that reads no claim of this person. The names of sealed claims are sealed
// too.
//
// The length of either token reveals the length of the claims, to the byte with GCM and to
// the block with CBC: of all claims in a nested token, for each recipient in a selective
// one. The length is often enough to tell one value from another, or whether there is a
// value. Limits.Pad rounds it.
//
// # The guard
//
// A sealer refuses to leave personal data readable by mistake, with [ErrReadable]. It looks
// at the names and the values of visible claims; at sub, jti, iss and aud wherever a
// stranger can read them; and at the kids and the typ. [New] refuses a text of the
// configuration, and Seal refuses any other, before it signs. Config.AllowReadable names
// the exceptions. Package pii says what the guard finds: data with a telling name or with a
// format of its own. The guard finds mistakes, and does not prove that nothing is left.
//
// # What the recipient can do
//
// A recipient can lift the signed token out of its envelope and show it to others. The typ
// of that token, sealed+jwt, makes it useless to every verifier that checks typ. Other
// verifiers do not check typ, or take a Config.Type that you have set. Then only the
// audience keeps the token from passing as a plain one elsewhere: give every recipient an
// audience of its own.
//
// A selective token is a plain signed JWT to every reader. Each of its recipients, and a
// thief who finds it, can show it to all audiences in aud.
package seal
