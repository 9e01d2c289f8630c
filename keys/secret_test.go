package keys

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// A secret in the place of a public key is called a secret, whatever its form is and wherever it
// stands in the file.
func TestParsePublicSetTellsSecrets(t *testing.T) {
	private := string(generated(t, ES256).jwk)
	set := string(jwks(t, public(t, ES256, nil)))
	key, publicPEM := string(readTestdata(t, "keys/p256-pkcs8.pem")), string(readTestdata(t, "keys/p256-public.pem"))
	for name, data := range map[string]string{
		"a private JWK":                private,
		"its members in another order": `{"d":"` + strings.Repeat("A", 43) + `","kty":"EC"}`,
		"a PEM key":                    "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n",
		"an EC PEM key":                "-----BEGIN EC PRIVATE KEY-----\nMC4=\n-----END EC PRIVATE KEY-----\n",
		"an encrypted PEM key":         string(readTestdata(t, "keys/p256-encrypted.pem")),
		"a key of OpenSSH":             block("OPENSSH PRIVATE KEY", "x"),
		"a key of PGP":                 block("PGP PRIVATE KEY BLOCK", "x"),
		"a PEM key that is cut":        key[:100],
		"the end of a PEM key":         key[100:],
		"a PEM key in one line":        strings.ReplaceAll(key, "\n", `\n`),
		"a PEM key in a shell script":  "export KEY='" + key + "'\n",
		"a public and a private key":   publicPEM + key,
		"a private and a public key":   key + publicPEM,
		"PEM and a private JWK":        publicPEM + private,
		"a private JWK and PEM":        private + "\n" + publicPEM,
		"a set and a PEM key":          set + key,
		"a set and a private JWK":      set + "\n" + private,
		"a set with a PEM key in it":   strings.Replace(set, `{"keys"`, `{"pem":"`+strings.ReplaceAll(key, "\n", `\n`)+`","keys"`, 1),
		"a JWK in a member of a set":   strings.Replace(set, `{"keys"`, `{"old":[`+private+`],"keys"`, 1),
		"a JWK in a member of a key":   strings.Replace(set, `{"alg"`, `{"next":`+private+`,"alg"`, 1),
		"metadata of a client":         `{"client_id":"a","jwks":{"keys":[` + private + `]}}`,
		"an array of JWKs":             "[" + private + "]",
		"JSON that is cut":             `{"keys":[` + private[:len(private)-1],
		"a byte order mark":            "\ufeff" + private,
		"UTF-16":                       inUTF16(key),
		"a JWK in UTF-16":              inUTF16(private),
	} {
		p, err := ParsePublicSet([]byte(data))
		if p != nil || !errors.Is(err, ErrPrivateKey) {
			t.Errorf("%s: %v", name, err)
		}
		checkNoSecrets(t, err, asMap(t, []byte(private)))
	}
}

func inUTF16(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// A text that only resembles a secret does no harm.
func TestParsePublicSetTakesNoFalseSecrets(t *testing.T) {
	k := public(t, ES256, nil)
	for name, data := range map[string][]byte{
		"members of an unknown object": []byte(`{"more":{"d":1,"k":"short","p":"","q":null},"keys":[` + string(asJSON(t, k)) + `]}`),
		"a certificate in a string":    jwks(t, with(k, map[string]any{"pem": string(readTestdata(t, "keys/certificate.pem"))})),
		"words":                        jwks(t, with(k, map[string]any{"note": "no PRIVATE KEY is here"})),
		"a public key with all names":  jwks(t, with(k, map[string]any{"dd": strings.Repeat("A", 43), "ext": true, "x5t": strings.Repeat("d", 27)})),
	} {
		if p, err := ParsePublicSet(data); err != nil || len(p.Keys()) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if jwk.LooksPrivate(jwks(t, public(t, RS256, nil), public(t, ECDHESX25519, nil))) {
		t.Error("public keys look private")
	}
}
