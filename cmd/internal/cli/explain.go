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

// explainOpened says where each claim of a token came from: its name, and never its
// value.
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

// decryptedWith returns the kid of our key that decrypted the token. If several JWEs of a
// selective token were for us, it returns only the number of keys.
func decryptedWith(l *leak.Layer, tok *open.Token) string {
	if ours := l.SealedTo - tok.SealedForOthers(); ours > 1 {
		return fmt.Sprintf("one of %d keys of this ring", ours)
	}
	return tok.DecryptionKeyID()
}

// replicates reports whether a claim stands in the header of a nested token too, which any
// holder reads. Open compares the two.
func replicates(l *leak.Layer, claim string) bool {
	there := slices.ContainsFunc(l.Header, func(m leak.Member) bool { return m.Name == claim })
	return there && slices.Contains(registered, claim)
}

// registered are the claims that are compared with their copies in a header.
var registered = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}
