package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/canary"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// addKey adds the secrets of a key.
func addKey(t *testing.T, c *canary.Canaries, k ownKey) {
	t.Helper()
	o := must(strict.ParseObject(k.jwk))(t)
	for _, name := range []string{"d", "p", "q"} {
		if s, ok, _ := o.Text(name); ok {
			c.Add(must(strict.DecodeBase64URL(s))(t))
		}
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	for _, suite := range []Suite{ES256, EdDSA, PS256, ECDHES, RSAOAEP256, RSAOAEP, ECDHESX25519} {
		k := generated(t, suite)
		var c canary.Canaries
		addKey(t, &c, k)
		canary.CheckRedacted(t, c, k.Key)
		canary.CheckRedacted(t, c, *k.Key)
		canary.CheckRedacted(t, c, k.sign)
		canary.CheckRedacted(t, c, k.exchange)
		canary.CheckRedacted(t, c, k.decrypt)
		s := must(NewSet(configOf(k)))(t)
		canary.CheckRedacted(t, c, s)
		canary.CheckRedacted(t, c, *s)
		canary.CheckRedacted(t, c, PrivateSource(s))
		canary.CheckRedacted(t, c, configOf(k))
	}
}

// The handle of a remote key may hold its private key in memory all the same.
func TestRemoteKeysAreRedacted(t *testing.T) {
	ed, oaep := generated(t, EdDSA), generated(t, RSAOAEP256)
	x := generated(t, ECDHESX25519)
	for _, k := range []ownKey{
		{must(FromSigner("local", EdDSA, ed.priv.(ed25519.PrivateKey)))(t), ed.jwk, nil},
		{must(FromDecrypter("local", RSAOAEP256, oaep.priv.(*rsa.PrivateKey)))(t), oaep.jwk, nil},
		{must(FromKeyExchanger("local", ECDHESX25519, exchanger(t, x)))(t), x.jwk, nil},
	} {
		var c canary.Canaries
		addKey(t, &c, k)
		canary.CheckRedacted(t, c, k.Key)
		canary.CheckRedacted(t, c, *k.Key)
	}
}

// A Sender and a Recipient hold the content encryption key.
func TestSendersAndRecipientsAreRedacted(t *testing.T) {
	for _, content := range allContents {
		cek := bytes.Repeat([]byte("01234567 89abcdef"), 4)[:contents[content].key]
		var c canary.Canaries
		c.Add(bytes.Clone(cek))
		k := generated(t, ECDHES)
		s := must(newSender(k.Key, content, bytes.Clone(cek), nil, nil))(t)
		parts := s.Seal(nil, nil, []byte("plaintext"))
		r := must(newRecipient(content, bytes.Clone(cek), parts))(t)
		canary.CheckRedacted(t, c, s)
		canary.CheckRedacted(t, c, r)
	}
}

// If fmt may call methods, the output says that a value is left out.
func TestRedactedText(t *testing.T) {
	k := generated(t, ECDHES)
	s := must(NewSet(configOf(k)))(t)
	sender := must(k.NewSender(A256GCM))(t)
	for _, v := range []any{k.Key, *k.Key, s, *s, sender, &sender, Recipient{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%s of %T is %q", verb, v, got)
			}
		}
		if got := string(must(json.Marshal(v))(t)); got != `"[redacted]"` {
			t.Errorf("JSON of %T is %s", v, got)
		}
		if got := v.(slog.LogValuer).LogValue().String(); got != "[redacted]" {
			t.Errorf("%T is logged as %q", v, got)
		}
	}
}
