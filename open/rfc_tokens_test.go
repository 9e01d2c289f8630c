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
	As       string          `json:"as"`  // the alg of the key, which the JWK may leave open
	Token    string          `json:"token"`
	Detached bool            `json:"detached"` // the payload is left out of the token
	Content  *string         `json:"content"`  // payload or plaintext; null if nobody may accept the token
	Inner    *rfcToken       `json:"inner"`    // the token that the plaintext is, without its text

	Refused *refusal `json:"refused"` // by the layer under Open; null if it opens the token
	Open    refusal  `json:"open"`    // by Open
}

// TestRFCTokens opens the offered algorithms with the code that Open runs, which refuses the
// rest. go-jose opens all, so that each example is one of the RFC. Open itself refuses them
// all: none is a token of one of our forms.
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

// checkKey: if its algorithm is not offered, package keys does not take the key once
// it says its algorithm.
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

// decoy is an Opener with another key under the kid of the token, so that it is the
// token that is refused where package keys has refused the key already.
func (e rfcToken) decoy(t *testing.T) *Opener {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(e.Token, ".")
	h, _ := headerOf(first) // one that is refused names no kid
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

// open has Open refuse the token, at a time at which those of the RFCs are good, and with
// the keys of the layer under it.
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
