package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/seal/leak"
)

var testNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// b64 returns one part of a token: a JSON text, or bytes.
func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// jws returns a token that is signed and not encrypted. Nothing checks its signature.
func jws(claims string) string {
	return b64(`{"alg":"ES256","kid":"a1B2c3D4","typ":"JWT"}`) + "." + b64(claims) + "." + signature
}

func jwe(header string) string {
	return b64(header) + "." + b64("wrapped key of the recipient") + "." + b64("twelve bytes") + "." + ciphertext + "." + tag
}

var (
	signature  = b64(strings.Repeat("signature ", 7))
	ciphertext = b64(strings.Repeat("ciphertext ", 30))
	tag        = b64("sixteen byte tag")
)

func tokenFile(t *testing.T, token string) string {
	t.Helper()
	u, err := leak.Read(token)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Token(&b, u, testNow); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func keysFile(t *testing.T, infos []keyring.KeyInfo) string {
	t.Helper()
	var b bytes.Buffer
	if err := Keys(&b, infos, 0, policy(t), testNow); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// policy returns the policy that a new ring has.
func policy(t *testing.T) keyring.Policy {
	t.Helper()
	kek, err := keyring.NewKEK(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Create(t.Context(), keyring.Config{Store: keyring.NewMemStore(), KEK: kek})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ring.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown returns what a reader sees of a file: its text, without the style sheet and the markup.
func shown(html string) string {
	_, html, _ = strings.Cut(html, "</style>")
	var b strings.Builder
	for html != "" {
		text, rest, _ := strings.Cut(html, "<")
		b.WriteString(text)
		_, html, _ = strings.Cut(rest, ">")
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&#43;", "+", "&amp;", "&").Replace(b.String())
}
