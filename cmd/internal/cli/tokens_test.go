package cli

import (
	"encoding/base64"
	"strings"
)

const someHeader = `{"alg":"ES256"}`

// compact joins any parts to a token.
func compact(parts ...string) string {
	for i, p := range parts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(p))
	}
	return strings.Join(parts, ".")
}

var (
	plainJWS    = compact(`{"alg":"ES256"}`, `{"iss":"a"}`, "signature")
	unsignedJWS = compact(`{"alg":"none"}`, `{"iss":"a"}`, "")
	strippedJWS = compact(`{"alg":"ES256"}`, `{"iss":"ab"}`)
	directJWE   = compact(`{"alg":"dir","enc":"A256GCM"}`, "", "twelve bytes", "ciphertext", "sixteen byte tag")
	wrappedJWE  = compact(`{"enc":"A256GCM","alg":"A256KW"}`, "key", "twelve bytes", "ciphertext", "sixteen byte tag")
)

// Each @ stands for a token.
var surroundings = []string{
	"@", "@\n", "\n\r\n@\r\n", "Authorization: Bearer @",
	"a=@&b=@;@,\"@\"",
	`{"t":"@","u":"é\u003d@"}`,
	"?x=%20@%3D3D@=3D@",
	`\n@\n@`,
	"https://example.com/@.jpg",
	"This is @. And @.. Or (@)... <@>",
	"v1.2.3-beta.@.jpg",
	"\x00\xff\xfe@\x80\x00@\x00",
	"@ @\t@",
	"long_prefix_eyJ_eyJhbGciOiJ_@",
	strings.Repeat("eyJhbGci", 60) + ".@",
	// A logger has cut these off:
	"eyJhbGciOiJIUzI1NiJ9... eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiJ9.x",
	"eyJpc3MiOiJhIn0.eyJpc3MiOiJhIn0.c2ln www.example.com 10.0.0.1 a.b.c.d.e",
	".......",
	"",
}

// deep puts value into more arrays than any reader accepts.
func deep(value string) string {
	return strings.Repeat("[", 100) + value + strings.Repeat("]", 100)
}
