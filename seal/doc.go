// Package seal makes tokens whose claims nobody can read but their recipient.
//
// A JWT is signed, not secret: whoever finds one in a log, a proxy or a browser
// reads the e-mail address in it. A [Sealer] signs the claims and then encrypts
// the signed token to the recipient's public key: a Nested JWT, RFC 7519 section
// 5.2. Package open is the other side.
//
//	outer JWE header   {"alg","enc","kid","epk","cty":"JWT"}
//	inner JWS header   {"alg","kid","typ":"sealed+jwt"}
//	inner JWS payload  {"iss","sub","aud","iat","nbf","exp","jti", custom claims}
//
// The defaults are ES256, and ECDH-ES on P-256 with A256GCM, which nearly every
// other implementation reads. The keys decide on the algorithms; nothing else
// does.
//
// # What a stranger still sees
//
// The outer header: the algorithms and the kid of the recipient's key. And the
// token's length, which tells about how long the claims are.
//
// # What the recipient can do
//
// A recipient can lift the signed token out of its envelope and show it to
// others. Its typ, sealed+jwt, makes it useless to every verifier that checks
// typ. For verifiers that do not, or with a Config.Type that they take, only an
// audience of its own keeps the token from passing as a plain one elsewhere: give
// every recipient its own.
package seal
