package seal_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// TestReplicate compares the header byte for byte: it has the replicated claims in a fixed order,
// and nothing else. Both openers compare them with the claims.
func TestReplicate(t *testing.T) {
	t.Parallel()
	p := defaults()
	for _, tt := range []struct {
		names   []string
		subject string
		want    string // the part after cty
	}{
		{nil, "u-42", ""},
		{[]string{}, "u-42", ""},
		{[]string{"iss"}, "u-42", `,"iss":"https://id.example.com"`},
		{[]string{"sub"}, "u-42", `,"sub":"u-42"`},
		{[]string{"aud"}, "u-42", `,"aud":"https://api.example.com"`},
		{[]string{"aud", "sub", "iss"}, "u-42", `,"iss":"https://id.example.com","sub":"u-42","aud":"https://api.example.com"`},
		{[]string{"sub"}, "", ""},
		{[]string{"iss", "sub"}, "", `,"iss":"https://id.example.com"`},
		{[]string{"sub"}, "<\"é\\&\u2028\n", `,"sub":"<\"é\\&\u2028\n"`},
	} {
		cfg := p.config()
		cfg.Replicate = tt.names
		token := sealWith(t, cfg, seal.Claims{Subject: tt.subject, ID: "the-id"})
		header := string(decode(strings.Split(token, ".")[0]))
		epk := regexp.MustCompile(`"epk":\{"kty":"EC","crv":"P-256","x":"[A-Za-z0-9_-]{43}","y":"[A-Za-z0-9_-]{43}"\}`)
		want := fmt.Sprintf(`{"alg":"ECDH-ES","enc":"A256GCM","kid":"%s","epk":{},"cty":"JWT"%s}`, p.open(t, token).DecryptionKeyID(), tt.want)
		if got := epk.ReplaceAllString(header, `"epk":{}`); got != want {
			t.Errorf("%q: header is\n%s, want\n%s", tt.names, got, want)
		}
		theirs, err := p.read(token)
		if err != nil || p.open(t, token).Subject() != tt.subject || theirs.payload != p.payload(t, token) {
			t.Errorf("%q: %s (%v)", tt.names, theirs.payload, err)
		}
	}
}

// Openers refuse a header over 4096 bytes, so the sealer makes none. Both have the same limit, to
// the byte.
func TestLongestHeader(t *testing.T) {
	t.Parallel()
	const most = 4096
	p := defaults()
	replicated := p.config()
	replicated.Replicate = []string{"sub", "iss", "aud"}
	both := p.config()
	both.Selective = selective
	for _, tt := range []struct {
		name   string
		header func(token string) string
		try    func(text string) (string, *anySeal, error)
	}{
		{"sub, replicated", func(token string) string { return token }, func(text string) (string, *anySeal, error) {
			token, err := newSealer(t, replicated).Seal(t.Context(), seal.Claims{Subject: text, ID: "the-id"})
			return token, &replicated, err
		}},
		{"jti", func(token string) string { return jwesOf(token)[0] }, func(text string) (string, *anySeal, error) {
			token, err := newSealer(t, both).Seal(t.Context(), seal.Claims{ID: text})
			return token, &both, err
		}},
		{"iss and jti", func(token string) string { return jwesOf(token)[0] }, func(text string) (string, *anySeal, error) {
			cfg := both
			cfg.Issuer = "https://" + text[:len(text)/2]
			token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{ID: text[len(text)/2:]})
			return token, &cfg, err
		}},
		{"jti that JSON escapes", func(token string) string { return jwesOf(token)[0] }, func(text string) (string, *anySeal, error) {
			token, err := newSealer(t, both).Seal(t.Context(), seal.Claims{ID: strings.Repeat(`"`, len(text)/2) + text[:len(text)%2]})
			return token, &both, err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			short, _, err := tt.try("xxxx")
			if err != nil {
				t.Fatal(err)
			}
			rest := most - len(decode(strings.Split(tt.header(short), ".")[0])) + 4
			longest, cfg, err := tt.try(strings.Repeat("x", rest))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(decode(strings.Split(tt.header(longest), ".")[0])); n != most {
				t.Errorf("the longest header has %d bytes", n)
			}
			o := must(newAnyOpener(anyOpen{Selective: cfg.Selective, SelectiveConfig: open.SelectiveConfig{
				Audience:   audience,
				Decryption: p.recipient,
				Trust:      []open.Issuer{{ID: cfg.Issuer, Keys: p.issuer}},
			}}))
			if _, err := o.OpenAt(t.Context(), longest, clock); err != nil {
				t.Error("sealed here, and refused:", err)
			}
			for _, more := range []int{1, 2, 5000} {
				token, _, err := tt.try(strings.Repeat("x", rest+more))
				if token != "" || !errors.Is(err, seal.ErrTooLarge) || strings.Contains(err.Error(), "xxxx") {
					t.Errorf("%d bytes more: %d bytes, %.300v", more, len(token), err)
				}
			}
		})
	}
	// Inside a nested token there is room for these claims.
	p.open(t, p.seal(t, seal.Claims{Subject: strings.Repeat("x", 2*most), ID: strings.Repeat("y", 2*most)}))
}
