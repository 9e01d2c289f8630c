package open

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
)

// rfcToken is a compact JWS or JWE with its key.
type rfcToken struct {
	Section  string          `json:"section"`
	About    string          `json:"about"`
	Key      json.RawMessage `json:"key"` // the JWK as the RFC has it
	As       string          `json:"as"`  // alg of the key, which the JWK may leave open
	Token    string          `json:"token"`
	Detached bool            `json:"detached"` // the payload is left out of the token
	Content  *string         `json:"content"`  // payload or plaintext; null if every verifier must refuse the token
	Inner    *rfcToken       `json:"inner"`    // the token in the plaintext, without its text

	Refused *refusal `json:"refused"` // by the layer under Open; null if it opens the token
	Open    refusal  `json:"open"`    // refusal by Open
}

// TestRFCTokens opens the examples with the code of Open as far as their algorithms are offered,
// and expects a refusal of the others. go-jose opens all of them, which proves that each is the
// example of the RFC. Open itself refuses all, because none is a token of one of our forms.
func TestRFCTokens(t *testing.T) {
	t.Parallel()
	for name, f := range rfcFiles(t) {
		for _, e := range f.Tokens {
			t.Run(name+" "+e.Section, func(t *testing.T) {
				t.Parallel()
				e.check(t)
				if e.Inner == nil {
					return
				}
				inner := *e.Inner
				inner.Token = *e.Content
				inner.check(t)
			})
		}
	}
}

func (e rfcToken) use() keys.Use {
	if strings.Count(e.Token, ".") == 2 {
		return keys.UseSig
	}
	return keys.UseEnc
}

func (e rfcToken) check(t *testing.T) {
	e.checkCopy(t)
	l := newLayer(e.Key, e.As, e.use())
	if e.Refused != nil {
		e.checkKey(t)
		if l.Opener == nil {
			l.Opener = e.decoy(t)
		}
	}
	open := l.verify
	if e.use() == keys.UseEnc {
		open = l.decrypt
	}
	content, err := open(t, e.Token)
	e.Refused.check(t, err)
	if e.Refused == nil && (e.Content == nil || string(content) != *e.Content) {
		t.Errorf("the content is %q", content)
	}
	e.Open.check(t, e.open(t, l.Opener))
}

// checkKey checks that package keys refuses the key if the key names an algorithm that is not
// offered.
func (e rfcToken) checkKey(t *testing.T) {
	if _, err := keys.ParseSuite(e.As); err == nil {
		return
	}
	var jwk map[string]any
	if err := json.Unmarshal(e.Key, &jwk); err != nil {
		t.Fatal(err)
	}
	jwk["alg"] = e.As
	data, err := json.Marshal(jwk)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.ParseKey(data, keys.Hint{}); !errors.Is(err, keys.ErrUnsupported) {
		t.Errorf("the key for %s: %v", e.As, err)
	}
}

// decoy returns an Opener with another key under the kid of the token. If package keys has refused
// the real key, this shows that the token is refused too.
func (e rfcToken) decoy(t *testing.T) *Opener {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(e.Token, ".")
	h, _ := headerOf(first) // a refused header names no kid
	data, err := json.Marshal(jose.JSONWebKey{Key: private, KeyID: string(h.kid)})
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.ParseKey(data, keys.Hint{Use: e.use()})
	if err != nil {
		t.Fatal(err)
	}
	o, err := under(k)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// open checks that Open refuses the token, with the keys of the layer under it, at a time at which
// the tokens of the RFCs are valid.
func (e rfcToken) open(t *testing.T, under *Opener) error {
	const audience = "https://api.example.com"
	var trust []Issuer
	for _, id := range []string{"joe", "hobbiton.example"} {
		trust = append(trust, Issuer{ID: id, Keys: under.trust[""].Keys, AllowMissing: KeyID})
	}
	o, err := New(Config{Audience: audience, AllowMissing: KeyID, Decryption: under.cfg.decryption, Trust: trust})
	if e.use() == keys.UseSig {
		o, err = NewGateway(GatewayConfig{Audiences: []string{audience}, Trust: trust})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.OpenAt(t.Context(), e.Token, time.Unix(1300819380-60, 0))
	return err
}
