package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal/leak"
)

func TestToken(t *testing.T) {
	now := testNow.Unix()
	inner := b64(`{"alg":"ES256","kid":"partner"}`) + "." + b64(`{"iss":"https://partner.example.com","email":"svc@example.org"}`) + "." + signature
	for name, test := range map[string]struct {
		token  string
		want   []string
		absent []string
	}{
		"signed": {
			jws(`{"iss":"https://id.example.com","scope":"read"}`),
			[]string{"NOT VERIFIED", "This is what a stranger reads, without any key. Nothing here has been checked.", "signed and not encrypted, 218 characters",
				"every holder of this token can read them", "No personal data was found in what stands readable.", `"https://id.example.com"`, "header 44 bytes", "signature 70 bytes",
				"alg, kid, typ", "iss, scope", "readable every holder of this token"},
			[]string{"open refuses it", "personal:", "sealed"},
		},
		"personal": {
			jws(`{"email":"ada@example.com","address":{"street_address":"12 Example Way","locality":"Quillstead"},"scope":"x"}`),
			[]string{"2 pieces of personal data stand readable.", "▲ personal: e-mail address", "▲ personal: postal address", "▲ personal: 2", "{ \"street_address\": \"12 Example Way\", \"locality\": \"Quillstead\" }"},
			nil,
		},
		"dates": {
			jws(fmt.Sprintf(`{"exp":%d,"iat":%d,"nbf":%d,"auth_time":%d,"updated_at":"soon"}`, now+3*86400+3600, now-61, now+30, now-86400*400)),
			[]string{"2026-12-03T13:00:00Z expires in 3 d 1 h", "2026-11-30T11:58:59Z issued 1 min 1 s ago", "2026-11-30T12:00:30Z begins in 30 s", "2025-10-26T12:00:00Z 1 y 35 d ago"},
			nil,
		},
		"expired": {
			jws(fmt.Sprintf(`{"exp":%d}`, now-7200)), []string{"2026-11-30T10:00:00Z expired 2 h ago"}, []string{"expires in"},
		},
		"not signed": {
			b64(`{"alg":"none"}`) + "." + b64(`{"iss":"x"}`) + ".", []string{"NOT SIGNED and not encrypted: an attacker can have written it"}, nil,
		},
		"encrypted": {
			jwe(`{"alg":"ECDH-ES","enc":"A256GCM","kid":"f3Yw9HcT"}`),
			[]string{"encrypted, not readable without the recipient’s key", `sealed only the holder of the key "f3Yw9HcT"`, "encrypted, 330 bytes", "ciphertext 330 bytes", "tag 16 bytes"},
			[]string{"reads them"},
		},
		"encrypted without kid": {
			jwe(`{"alg":"ECDH-ES","enc":"A256GCM"}`), []string{"only the holder of the recipient's key, which the header does not name"}, nil,
		},
		"selective": {
			jws(`{"iss":"https://id.example.com","jti":"j","sealed":["` + jwe(`{"alg":"ECDH-ES","enc":"A256GCM","kid":"billing","iss":"https://id.example.com","jti":"j"}`) + `","` +
				jwe(`{"alg":"ECDH-ES","enc":"A256GCM","kid":"kyc","iss":"https://evil.example.com","jti":"j"}`) + `"]}`),
			[]string{"selective token: 2 claims readable without a key, others sealed for 2 recipients", "2 JWEs, below", `only the holder of the key "billing"`, `only the holder of the key "kyc"`,
				"token claim sealed[0]", "bound to this token by iss and jti", "NOT BOUND to this token: iss and jti are not the ones that it has"},
			[]string{"A token stands in it"},
		},
		"inner token": {
			jws(`{"act":{"sub":"svc-7","token":"` + inner + `"}}`),
			[]string{"1 piece of personal data stands readable, in 2 layers.", "token claim act.token", "svc@example.org", `"sub": "svc-7", "token": "… 222 characters, left out"`, "A token stands in it: long strings are left out."},
			nil,
		},
		"cut off": {
			b64(`{"alg":"ES256"}`) + "." + b64(`{"email":"ada@example.com","name":"Ada Quill`),
			[]string{"cut off in the payload, and not encrypted", "open refuses it: its claims are not one JSON object", "no claims, but readable without a key", "▲ personal: e-mail address"},
			nil,
		},
		"text": {
			jws("write to ada@example.com"), []string{"Payload no claims, but readable without a key", `"write to ada@example.com"`, "▲ personal: e-mail address"}, nil,
		},
		"binary": {
			jws("\x00\x01\x02\xff"), []string{"Payload neither claims nor text"}, nil,
		},
		"empty objects": {
			b64(`{"alg":"ES256"}`) + "." + b64(`{}`) + "." + signature, []string{"It has no members."}, nil,
		},
		"disclosures": {
			jws(`{"_sd":["x"]}`) + "~" + b64(`["salt","email","ada@example.com"]`) + "~",
			[]string{"token disclosures", "it is an SD-JWT with disclosures behind it", "▲ personal: e-mail address"}, nil,
		},
		"padded": {
			b64(`{"alg":"ES256"}`) + "=." + b64(`{"iss":"x"}`) + "." + signature, []string{"open refuses it: part 1 (header) is not canonical base64url"}, nil,
		},
		"not read to the end": {
			jws(`{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`),
			[]string{"NOT READ TO THE END: JSON is nested deeper than 64", "and not all was read."}, nil,
		},
		"long value": {
			jws(`{"a":"` + strings.Repeat("x", 10_000) + `"}`), []string{"… 5906 more bytes, left out"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Join(strings.Fields(shown(tokenFile(t, test.token))), " ")
			for _, want := range test.want {
				if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("the report lacks %q:\n%s", want, text)
				}
			}
			for _, absent := range test.absent {
				if strings.Contains(text, absent) {
					t.Errorf("the report has %q:\n%s", absent, text)
				}
			}
		})
	}
}

// TestTokenFirst has the warning stand before everything from the token, in the file and in its title.
func TestTokenFirst(t *testing.T) {
	html := tokenFile(t, jws(`{"verified":true,"email":"ada@example.com"}`))
	if !strings.Contains(html, "<title>NOT VERIFIED: ") {
		t.Error("the title lacks NOT VERIFIED")
	}
	text := shown(html)
	warning := strings.Index(text, "NOT VERIFIED")
	for _, part := range []string{"alg", "ada@", "verified", "JWS"} {
		if at := strings.Index(text, part); at < warning {
			t.Errorf("%s stands before the warning", part)
		}
	}
}

// TestTokenIsLeftOut looks for the signatures and ciphertexts of a token and of those in it: with
// them a report would be the credential.
func TestTokenIsLeftOut(t *testing.T) {
	inner := jws(`{"iss":"x"}`)
	serial := `{"payload":"` + b64(`{"iss":"y"}`) + `","protected":"` + b64(`{"alg":"ES256"}`) + `","signature":"` + signature + `"}`
	for name, token := range map[string]string{
		"outermost":            inner,
		"in a claim":           jws(`{"act":` + quote(inner) + `}`),
		"deep in a claim":      jws(`{"a":[{"b":["x",` + quote(inner) + `]}]}`),
		"with text around":     jws(`{"a":"Bearer ` + inner + ` and more"}`),
		"in a name":            jws(`{` + quote(inner) + `:1}`),
		"in the header":        b64(`{"alg":"ES256","jwt":`+quote(inner)+`}`) + "." + b64(`{}`) + "." + signature,
		"JSON serialization":   serial,
		"JSON in a claim":      jws(`{"a":` + serial + `}`),
		"JSON text in a claim": jws(`{"a":` + quote(serial) + `}`),
		"in a text":            jws("see " + inner),
		"twice":                jws(`{"a":` + quote(jws(`{"b":`+quote(inner)+`}`)) + `}`),
		"sealed":               jws(`{"iss":"x","jti":"y","sealed":[` + quote(jwe(`{"alg":"dir","enc":"A256GCM"}`)) + `]}`),
		"encrypted":            jwe(`{"alg":"dir","enc":"A256GCM"}`),
		"escaped":              jws(`{"a":"\u0065` + inner[1:] + `"}`),
		"cut off":              b64(`{"alg":"ES256"}`) + "." + b64(`{"a":"`+inner[:len(inner)-20]),
	} {
		html := tokenFile(t, token)
		for _, secret := range []string{signature, ciphertext, tag, b64(signature)} {
			if strings.Contains(html, secret[:16]) {
				t.Errorf("%s: the report has a signature or a ciphertext", name)
			}
		}
	}
}

// Date is a date and how far away it is, for the members that are dates.
func TestDate(t *testing.T) {
	for claim, want := range map[string]string{
		`"exp":1796130000`: "2026-12-01T13:00:00Z, expires in 1 d 1 h", `"exp":1796039940`: "2026-11-30T11:59:00Z, expired 1 min ago",
		`"nbf":1796040060`: "2026-11-30T12:01:00Z, begins in 1 min", `"iat":0`: "1970-01-01T00:00:00Z, issued 56 y 347 d ago",
		`"iat":"1796040060"`: "", `"exp":-1`: "", `"n":1796040060`: "",
	} {
		u, err := leak.Read(jws("{" + claim + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := Date(&u.Layers[0].Claims[0], testNow); got != want {
			t.Errorf("%s: %q, want %q", claim, got, want)
		}
	}
}
