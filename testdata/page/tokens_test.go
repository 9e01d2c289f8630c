package page

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"
)

func part(t *testing.T, v any) string {
	t.Helper()
	b, isBytes := v.([]byte)
	if !isBytes {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		b = bytes.TrimSpace(out.Bytes())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

type object = map[string]any

// signed returns a token that is signed and not encrypted. One of its claims is hostile. No test
// checks its signature.
func signed(t *testing.T) string {
	t.Helper()
	now := time.Now().Unix()
	inner := part(t, object{"alg": "ES256", "kid": "partner-1"}) + "." +
		part(t, object{"iss": "https://partner.example.com", "sub": "svc-7", "exp": now - 3*86400 - 60}) + "." + part(t, random(64))
	return part(t, object{"alg": "ES256", "kid": "a1B2c3D4", "typ": "JWT"}) + "." + part(t, object{
		"iss": "https://id.example.com", "sub": "u-20481357", "aud": "https://api.example.com",
		"iat": now - 120, "exp": now + 780 + 30,
		"name": "Ada Quillwood", "email": "ada@example.com", "website": "https://example.com/ada",
		"address": object{"street_address": "12 Example Way", "locality": "Quillstead", "postal_code": "00000"},
		"scope":   "read write", "zz": "abc\u202edef\u009b</code><script>document.title='harm'</script><img src=//evil.example/x>",
		"act": object{"sub": "svc-7", "token": inner},
	}) + "." + part(t, random(64))
}

// sealed returns a token that no test opens.
func sealed(t *testing.T) string {
	t.Helper()
	return part(t, object{"alg": "ECDH-ES", "enc": "A256GCM", "kid": "f3Yw9HcTg6NaXe4m", "cty": "JWT"}) + ".." +
		part(t, random(12)) + "." + part(t, random(400)) + "." + part(t, random(16))
}

// short returns the token of the screenshot in the README.
func short(t *testing.T) string {
	t.Helper()
	return part(t, object{"alg": "ES256", "kid": "a1B2c3D4"}) + "." + part(t, object{
		"iss": "https://id.example.com", "exp": time.Now().Unix() + 14*60 + 30, "name": "Ada Quillwood", "email": "ada@example.com",
	}) + "." + part(t, random(64))
}
