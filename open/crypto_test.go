package open_test

import (
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// Every failure of the decryption and of the signature is one error value. An attacker who can tell
// two of them apart has an oracle.
func TestUniformFailure(t *testing.T) {
	t.Parallel()
	count := 0
	check := func(what string, f *forgery) {
		t.Helper()
		count++
		tok, err := newOpener(t, config()).OpenAt(t.Context(), f.Token(), clock)
		// The error is this value itself, and does not wrap it.
		if tok != nil || err != open.ErrNotAuthentic || err.Error() != "open: token is not authentic" {
			t.Errorf("%s: %v, %v", what, tok, err)
		}
	}
	for _, m := range managementSuites {
		for _, c := range allContents {
			name := m.Alg() + " " + c.String()
			for what, bend := range map[string]func(f *forgery){
				"tag":                  bendParts(func(p *parts) { p.Tag = flip(p.Tag, 0) }),
				"last octet of tag":    bendParts(func(p *parts) { p.Tag = flip(p.Tag, -1) }),
				"ciphertext":           bendParts(func(p *parts) { p.Ciphertext = flip(p.Ciphertext, 0) }),
				"last ciphertext":      bendParts(func(p *parts) { p.Ciphertext = flip(p.Ciphertext, -1) }),
				"ciphertext cut":       bendParts(func(p *parts) { p.Ciphertext = p.Ciphertext[:len(p.Ciphertext)-16] }),
				"ciphertext longer":    bendParts(func(p *parts) { p.Ciphertext = append(p.Ciphertext, make([]byte, 16)...) }),
				"ciphertext one off":   bendParts(func(p *parts) { p.Ciphertext = p.Ciphertext[1:] }),
				"no ciphertext":        bendParts(func(p *parts) { p.Ciphertext = nil }),
				"iv":                   bendParts(func(p *parts) { p.IV = flip(p.IV, 3) }),
				"header":               bendParts(func(p *parts) { p.Header = append(p.Header[:len(p.Header)-1], `,"x":1}`...) }),
				"header, white space":  bendParts(func(p *parts) { p.Header = append(p.Header, ' ') }),
				"encrypted to another": func(f *forgery) { f.Recipient = otherRecipient(f.Recipient) },
			} {
				f := forgeWith(keys.ES256, m, c)
				bend(f)
				check(name+": "+what, f)
			}
			if m == keys.ECDHES {
				continue
			}
			f := forgeWith(keys.ES256, m, c)
			f.BendParts = func(p *parts) { p.EncryptedKey = flip(p.EncryptedKey, 9) }
			check(name+": encrypted key", f)
			f = forgeWith(keys.ES256, m, c)
			f.BendParts = func(p *parts) { p.EncryptedKey = flip(p.EncryptedKey, -1) }
			check(name+": last octet of the encrypted key", f)
		}
	}
	for _, s := range signingSuites {
		for _, sign := range []func(valid []byte) []byte{
			func(v []byte) []byte { return flip(v, 0) },
			func(v []byte) []byte { return flip(v, -1) },
			func([]byte) []byte { return nil },
			func(v []byte) []byte { return v[:len(v)/2] },
			func(v []byte) []byte { return make([]byte, len(v)) },
		} {
			f := forgeWith(s, keys.ECDHES, keys.A256GCM)
			f.Sign = func(input []byte) []byte { return sign(f.Signer.Sign(input)) }
			check(s.Alg()+" signature", f)
		}
	}
	t.Log(count, "failures, one error")
}

// otherRecipient returns another key under the same kid, for the same algorithm.
func otherRecipient(k *forge.Key) *forge.Key {
	other := &forge.Key{Alg: k.Alg, Kid: k.Kid, Private: newP256()}
	switch k.Alg {
	case "RSA-OAEP-256":
		other.Private = testKeyFor(keys.RSAOAEP).Private
	case "RSA-OAEP":
		other.Private = testKeyFor(keys.RSAOAEP256).Private
	}
	return other
}
