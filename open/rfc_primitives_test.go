package open

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// rfcContent is an authenticated encryption; all but the two texts are hex.
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
					e.check(t, func(t *testing.T, aad string) ([]byte, error) {
						sealed := slices.Concat(fromHex(t, e.IV), fromHex(t, e.Ciphertext), fromHex(t, e.Tag))
						return content.AppendDecrypt(nil, fromHex(t, e.CEK), []byte(aad), sealed)
					})
				}
			})
		}
	}
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

// rfcAgreement is a key agreement: the protected header, with the sender's key, and
// the private key of the recipient.
type rfcAgreement struct {
	Section string          `json:"section"`
	About   string          `json:"about"`
	Header  json.RawMessage `json:"header"`
	Private json.RawMessage `json:"private"`
	Z       string          `json:"z"`   // the shared secret, if the RFC gives it; base64url like
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
	content, err := keys.ParseContent(h.enc)
	if err != nil {
		t.Fatal(err)
	}
	j := &jwe{header: h, memory: new(scratch), content: content}
	k, err := keys.ParseKey(e.Private, keys.As{Use: keys.UseEnc})
	if err != nil {
		t.Fatal(err)
	}
	if derived, err := j.agree(k); err != nil || e.Key != "" && b64(string(derived)) != e.Key {
		t.Errorf("the key is %s (%v), want %s", b64(string(derived)), err, e.Key)
	}
	if e.Z != "" {
		e.checkSecret(t, j, k)
	}
}

func (e rfcAgreement) checkSecret(t *testing.T, j *jwe, k *keys.Key) {
	epk, err := j.ephemeralKey(k.KeyExchanger().Curve())
	if err != nil {
		t.Fatal(err)
	}
	z, err := k.KeyExchanger().ECDH(epk)
	if err != nil || b64(string(z)) != e.Z {
		t.Errorf("the secret is %s (%v), want %s", b64(string(z)), err, e.Z)
	}
}

func b64(s string) string { return strict.EncodeBase64URL([]byte(s)) }
