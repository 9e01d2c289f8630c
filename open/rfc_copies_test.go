package open

import (
	"crypto/aes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
)

// checkCopy checks with go-jose, which offers every algorithm of the RFCs, that the example was
// copied correctly. A refusal by this library would prove nothing if a typo caused it.
func (e rfcToken) checkCopy(t *testing.T) {
	t.Helper()
	token := e.Token
	if e.Detached {
		if content, err := e.byGoJose(t, token); err == nil {
			t.Errorf("go-jose accepts it without its payload: %q", content)
		}
		token = strings.Replace(token, "..", "."+b64(*e.Content)+".", 1)
	}
	content, err := e.byGoJose(t, token)
	switch {
	case e.Content == nil && err == nil:
		t.Error("go-jose accepts what everyone must refuse")
	case e.Content != nil && (err != nil || string(content) != *e.Content):
		t.Errorf("go-jose: the content is %q, %v", content, err)
	}
}

// byGoJose opens the token with the algorithm of its key and no other.
func (e rfcToken) byGoJose(t *testing.T, token string) ([]byte, error) {
	t.Helper()
	var k jose.JSONWebKey
	if err := json.Unmarshal(e.Key, &k); err != nil {
		t.Fatal(err)
	}
	if e.use() == keys.UseSig {
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(e.As)})
		if err != nil {
			return nil, err
		}
		if _, secret := k.Key.([]byte); !secret {
			k = k.Public()
		}
		return signed.Verify(k.Key)
	}
	contents := []jose.ContentEncryption{jose.A128GCM, jose.A256GCM, jose.A128CBC_HS256, jose.A256CBC_HS512}
	encrypted, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.KeyAlgorithm(e.As)}, contents)
	if err != nil {
		return nil, err
	}
	return encrypted.Decrypt(k.Key)
}

// byGoJose decrypts the example with this additional data. All examples have AES-CBC with HMAC (RFC
// 7518 section 5.2).
func (e rfcContent) byGoJose(t *testing.T, aad string) ([]byte, error) {
	t.Helper()
	mode, err := josecipher.NewCBCHMAC(fromHex(t, e.CEK), aes.NewCipher)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Open(nil, fromHex(t, e.IV), slices.Concat(fromHex(t, e.Ciphertext), fromHex(t, e.Tag)), []byte(aad))
}
