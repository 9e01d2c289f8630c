package bearer

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"net/http"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
)

// thumbprintMember is the confirmation method of RFC 8705 section 3.1: the SHA-256 of the
// client's certificate.
const thumbprintMember = "x5t#S256"

// checkBound refuses a token that is bound to a key unless the client has proven in the TLS
// handshake that it has that key. A token with any cnf, null included, counts as bound: an
// issuer writes a cnf only to bind the token.
//
// The certificate comes from the connection itself. A header in which a proxy names the
// client's certificate is not read, because a client can write that header too.
func (a *Authenticator) checkBound(tok *open.Token, connection *tls.ConnectionState) *Refusal {
	cnf, bound := tok.Claim("cnf")
	if !bound || a.cfg.AllowBound || isBoundTo(cnf, connection) {
		return nil
	}
	return refuse(http.StatusUnauthorized, invalidToken, ErrBound)
}

// isBoundTo reports whether cnf names the certificate of the connection's peer and nothing
// else: a second member, such as jkt, asks for a proof that TLS does not give.
func isBoundTo(cnf json.RawMessage, connection *tls.ConnectionState) bool {
	// Before the handshake is complete, the client has not proven with a signature that it has the
	// key.
	if connection == nil || !connection.HandshakeComplete || len(connection.PeerCertificates) == 0 {
		return false
	}
	member, err := strict.ParseObject(cnf)
	if err != nil || member.Len() != 1 {
		return false
	}
	thumbprint, ok, err := member.Text(thumbprintMember)
	digest := sha256.Sum256(connection.PeerCertificates[0].Raw)
	return ok && err == nil && thumbprint == strict.EncodeBase64URL(digest[:])
}
