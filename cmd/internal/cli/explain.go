package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// explainOpened prints one line for each claim of an opened token: the name of the claim and where
// the claim stood, never its value. Another line counts the JWEs for other recipients.
func (a *App) explainOpened(tok *open.Token, token string, text json.RawMessage) error {
	outer, _ := outermost(token)
	claims, err := strict.ParseClaims(text)
	if err != nil {
		return err
	}
	sealed := tok.SealedNames()
	decrypted := "sealed, decrypted with " + decryptedWith(&outer, tok)
	signer := cmp.Or(tok.SigningKeyID(), "a key without kid")
	for name := range claims.All() {
		origin := decrypted
		switch {
		case replicates(&outer, name):
			origin = "visible in the header, signed by " + signer
		case !slices.Contains(sealed, name):
			origin = "visible, signed by " + signer
		}
		a.Say("%s: %s", bareName(name), origin)
	}
	switch n := tok.SealedForOthers(); n {
	case 0:
	case 1:
		a.Say("1 JWE is for others")
	default:
		a.Say("%d JWEs are for others", n)
	}
	return nil
}

// decryptedWith returns the kid of the key of this ring that decrypted the token. If several JWEs
// of a selective token were for this ring, it returns only the number of their keys.
func decryptedWith(l *leak.Layer, tok *open.Token) string {
	if ours := l.SealedTo - tok.SealedForOthers(); ours > 1 {
		return fmt.Sprintf("one of %d keys of this ring", ours)
	}
	return tok.DecryptionKeyID()
}

// replicates reports whether a claim also stands in the outer header of a token, where any holder
// reads it. Package open has compared the two values.
func replicates(l *leak.Layer, claim string) bool {
	there := slices.ContainsFunc(l.Header, func(m leak.Member) bool { return m.Name == claim })
	return there && slices.Contains(registered, claim)
}

// registered are the claims that package open compares with their copies in a header.
var registered = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}
