package open

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// rfcContent is an authenticated encryption. All fields but the two texts are hex.
type rfcContent struct {
	Section    string   `json:"section"`
	Enc        string   `json:"enc"`
	CEK        string   `json:"cek"`
	Plaintext  string   `json:"plaintext"`
	IV         string   `json:"iv"`
	AAD        string   `json:"aad"`
	Ciphertext string   `json:"ciphertext"`
	Tag        string   `json:"tag"`
	Refused    *refusal `json:"refused"`
}

func TestRFCContents(t *testing.T) {
	t.Parallel()
	for name, f := range rfcFiles(t) {
		for _, e := range f.Contents {
			t.Run(name+" "+e.Section, func(t *testing.T) {
				content, err := keys.ParseContent(e.Enc)
				e.Refused.check(t, err)
				e.check(t, e.byGoJose)
				if e.Refused == nil {
					decrypt := underKey(t, content)
					e.check(t, func(t *testing.T, aad string) ([]byte, error) {
						return decrypt(fromHex(t, e.CEK), []byte(aad), fromHex(t, e.IV), fromHex(t, e.Ciphertext), fromHex(t, e.Tag))
					})
				}
			})
		}
	}
}

// underKey returns a function that decrypts under a content encryption key of the caller. The test
// uses an RSA key to bring that key to the recipient.
func underKey(t *testing.T, content keys.Content) func(cek, aad, iv, ciphertext, tag []byte) ([]byte, error) {
	t.Helper()
	k := rsaKey(t)
	members, err := strict.ParseObject([]byte(`{"alg":"RSA-OAEP-256","enc":"` + content.String() + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	h, err := keys.ReadHeader(members)
	if err != nil {
		t.Fatal(err)
	}
	return func(cek, aad, iv, ciphertext, tag []byte) ([]byte, error) {
		encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, k.Public().(*rsa.PublicKey), cek, nil)
		if err != nil {
			return nil, err
		}
		recipient, err := k.NewRecipient(t.Context(), h, [4][]byte{encryptedKey, iv, ciphertext, tag})
		if err != nil {
			return nil, err
		}
		return recipient.Open(aad)
	}
}

// rsaKey returns the decryption key of the test data.
func rsaKey(t testing.TB) *keys.Key {
	t.Helper()
	text, err := os.ReadFile("../testdata/keys/rsa.pem")
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.ParseKey(text, keys.Hint{Suite: keys.RSAOAEP256})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (e rfcContent) check(t *testing.T, decrypt func(t *testing.T, aad string) ([]byte, error)) {
	t.Helper()
	if got, err := decrypt(t, e.AAD); err != nil || string(got) != e.Plaintext {
		t.Errorf("the plaintext is %q, %v", got, err)
	}
	if _, err := decrypt(t, e.AAD+"."); err == nil {
		t.Error("accepted with other additional data")
	}
}

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rfcAgreement is a key agreement: the protected header with the sender's key, and the private key
// of the recipient.
type rfcAgreement struct {
	Section string          `json:"section"`
	About   string          `json:"about"`
	Header  json.RawMessage `json:"header"`
	Private json.RawMessage `json:"private"`
	Z       string          `json:"z"`   // the shared secret in base64url, if the RFC has it
	Key     string          `json:"key"` // the derived key, likewise
}

func TestRFCAgreements(t *testing.T) {
	t.Parallel()
	for name, f := range rfcFiles(t) {
		for _, e := range f.Agreements {
			t.Run(name+" "+e.Section, e.check)
		}
	}
}

func (e rfcAgreement) check(t *testing.T) {
	h, err := headerOf(b64(string(e.Header)))
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.ParseKey(e.Private, keys.Hint{Use: keys.UseEnc})
	if err != nil {
		t.Fatal(err)
	}
	h.encryption.Alg = k.Suite().Alg() // A128KW is not offered, and the secret does not depend on it.
	parts := [4][]byte{nil, make([]byte, 12), nil, make([]byte, 16)}
	if e.Key != "" {
		parts = e.sealed(t)
	}
	recipient, err := k.NewRecipient(t.Context(), h.encryption, parts)
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := recipient.Open([]byte("aad")); e.Key != "" && (err != nil || string(plaintext) != "agreed") {
		t.Errorf("what is encrypted with the key of the RFC opens as %q (%v)", plaintext, err)
	}
	if e.Z != "" {
		e.checkSecret(t, h.encryption, k.Suite(), parts)
	}
}

// sealed encrypts with AES-GCM under the derived key of the RFC, and returns the parts.
func (e rfcAgreement) sealed(t *testing.T) [4][]byte {
	t.Helper()
	key, err := strict.DecodeBase64URL(e.Key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, gcm.NonceSize())
	sealed := gcm.Seal(nil, iv, []byte("agreed"), []byte("aad"))
	return [4][]byte{nil, iv, sealed[:len("agreed")], sealed[len("agreed"):]}
}

// exchanger is a private key that keeps the last secret.
type exchanger struct {
	*ecdh.PrivateKey
	z []byte
}

func (x *exchanger) ECDH(public *ecdh.PublicKey) (z []byte, err error) {
	z, err = x.PrivateKey.ECDH(public)
	x.z = bytes.Clone(z)
	return z, err
}

func (e rfcAgreement) checkSecret(t *testing.T, h keys.Header, suite keys.Suite, parts [4][]byte) {
	t.Helper()
	var jwk struct{ Crv, D string }
	if err := json.Unmarshal(e.Private, &jwk); err != nil {
		t.Fatal(err)
	}
	d, err := strict.DecodeBase64URL(jwk.D)
	if err != nil {
		t.Fatal(err)
	}
	private, err := map[string]ecdh.Curve{"P-256": ecdh.P256(), "X25519": ecdh.X25519()}[jwk.Crv].NewPrivateKey(d)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchanger{PrivateKey: private}
	k, err := keys.FromKeyExchanger("k", suite, x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.NewRecipient(t.Context(), h, parts); err != nil || b64(string(x.z)) != e.Z {
		t.Errorf("the secret is %s (%v), want %s", b64(string(x.z)), err, e.Z)
	}
}

func b64(s string) string { return strict.EncodeBase64URL([]byte(s)) }
