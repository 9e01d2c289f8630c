package seal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

var contents = []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256}

// oddNumbers have notations that no encoder chooses.
const oddNumbers = `"n":[1.0,1e5,1E+5,12345678901234567890,-0,0.10]`

// The signed text has a multiple of Pad bytes, whatever the content encryption adds. Every opener
// reads the same claims as without Pad.
func TestPadNested(t *testing.T) {
	t.Parallel()
	for _, content := range contents {
		p := newParties(keys.ES256, keys.ECDHES)
		cfg := p.config()
		cfg.Recipients[0].Content = content
		c := seal.Claims{ID: "the-id", Custom: json.RawMessage(`{` + oddNumbers + `}`)}
		plain := must(p.read(sealWith(t, cfg, c))).payload
		for _, multiple := range []int{1, 2, 255, 256, len(plain) - 1, len(plain), len(plain) + 1, 5000} {
			cfg.Limits.Pad = multiple
			token := sealWith(t, cfg, c)
			theirs, err := p.read(token)
			if err != nil {
				t.Fatal(err)
			}
			least := (len(plain) + multiple - 1) / multiple * multiple
			if len(theirs.payload) != least {
				t.Errorf("%v, Pad %d: %d bytes are signed, want %d", content, multiple, len(theirs.payload), least)
			}
			if spaces := strings.Repeat(" ", least-len(plain)); theirs.payload != plain[:len(plain)-1]+spaces+"}" {
				t.Errorf("%v, Pad %d: %q is signed, want %q with spaces", content, multiple, theirs.payload, plain)
			}
			if got := p.payload(t, token); compacted(t, got) != plain || !strings.Contains(got, oddNumbers) {
				t.Errorf("%v, Pad %d: we read %s", content, multiple, got)
			}
		}
	}
}

func compacted(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for _, field := range strings.Fields(text) { // these tests have no space in a string
		b.WriteString(field)
	}
	if !json.Valid([]byte(text)) {
		t.Fatalf("not JSON: %s", text)
	}
	return b.String()
}

// The plaintext for each recipient has a multiple of Pad bytes, also if that recipient reads no
// claim. Visible claims are not padded.
func TestPadSelective(t *testing.T) {
	t.Parallel()
	for _, content := range contents {
		d := newDesks()
		cfg := d.config()
		cfg.Limits.Pad = 256
		cfg.Recipients = append(cfg.Recipients, seal.SelectiveRecipient{Audience: audience, Keys: newSet(keys.ECDHES), Reads: []string{}})
		for i := range cfg.Recipients {
			cfg.Recipients[i].Content = content
		}
		note := strings.Repeat("x", 300)
		token := sealWith(t, cfg, seal.Claims{Subject: "u-42", ID: "the-id",
			Custom: json.RawMessage(`{"scope":"read write","email":"` + note + `","address":{` + oddNumbers + `},"national_id":84.50}`)})
		wants := []string{`{"email":"` + note + `","address":{` + oddNumbers + `}`, `{"email":"` + note + `","national_id":84.50`, `{`}
		for i, jwe := range jwesOf(token) {
			plaintext, err := decryptJOSE(jwe)
			want := 512
			if i == 2 {
				want = 256
			}
			if err != nil || string(plaintext) != wants[i]+strings.Repeat(" ", want-len(wants[i])-1)+"}" {
				t.Errorf("%v: sealed to %d is %q (%v)", content, i, plaintext, err)
			}
		}
		if payload, err := verifyJOSE(token); err != nil || strings.Contains(payload, "  ") {
			t.Errorf("%v: signed is %q (%v)", content, payload, err)
		}
		want := strings.Replace(selectiveHead, `"https://kyc.example.com"`, `"https://kyc.example.com","https://api.example.com"`, 1) + "," + wants[0][1:] + "}"
		if got := claimsText(t, d.open(t, token, billingID, d.billing)); got != want {
			t.Errorf("%v: billing reads %s", content, got)
		}
	}
}

// The length of a token with Pad does not reveal the length of the claims within one step. Without
// Pad it does.
func TestPadHidesLength(t *testing.T) {
	t.Parallel()
	for _, form := range []bool{nested, selective} {
		for _, content := range contents {
			lengths := func(multiple int) map[int]int {
				cfg := defaults().config()
				cfg.Selective, cfg.Limits.Pad, cfg.Recipients[0].Content = form, multiple, content
				s, count := newSealer(t, cfg), make(map[int]int)
				for n := range 64 {
					token, err := s.Seal(t.Context(), seal.Claims{ID: "the-id", Custom: map[string]string{"diagnosis": strings.Repeat("x", n)}})
					if err != nil {
						t.Fatal(err)
					}
					count[len(token)]++
				}
				return count
			}
			// The 64 lengths are consecutive and the step is 32: they fill two steps, or one step
			// and parts of two others.
			steps := lengths(32)
			whole := 0
			for _, n := range steps {
				if n == 32 {
					whole++
				}
			}
			if len(steps) > 3 || whole == 0 {
				t.Errorf("form %v, %v: lengths and how often: %v", form, content, steps)
			}
			if all := lengths(1024); len(all) != 1 {
				t.Errorf("form %v, %v: longer than all claims: %v", form, content, all)
			}
			if gcm := content == keys.A256GCM || content == keys.A128GCM; gcm && len(lengths(0)) < 40 {
				t.Errorf("form %v, %v: the lengths are hidden without Pad", form, content)
			}
		}
	}
}

// Padding counts towards MaxSize, so a Pad beyond it leaves no token.
func TestPadTooLarge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pad, maxSize int
		fits         bool
	}{{512, 4096, true}, {4096, 4096, false}, {16384, 16384, false}, {16384, 0, true}} {
		for _, form := range []bool{nested, selective} {
			cfg := defaults().config()
			cfg.Selective, cfg.Limits.Pad, cfg.Limits.MaxSize = form, tt.pad, tt.maxSize
			token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{})
			if (err == nil) != tt.fits || (token != "") != tt.fits || err != nil && !errors.Is(err, seal.ErrTooLarge) {
				t.Errorf("%+v, form %v: %v bytes, %v", tt, form, len(token), err)
			}
		}
	}
}

// The number of JWEs reveals the number of recipients, whatever they read about this person. With
// Pad the lengths reveal no more.
func TestCountIsOfRecipients(t *testing.T) {
	t.Parallel()
	cfg := newDesks().config()
	cfg.Limits.Pad = 256
	var shapes []string
	for _, claims := range []string{
		`{"email":"ada@example.com","address":{"locality":"Quillstead"},"national_id":"991231-1000000"}`,
		`{"email":"","address":{},"national_id":""}`,
		`{"email":null,"address":null,"national_id":null}`,
	} {
		shapes = append(shapes, shape(sealWith(t, cfg, seal.Claims{ID: "the-id", Custom: json.RawMessage(claims)})))
	}
	cfg.Recipients[0].Reads, cfg.Recipients[1].Reads = []string{}, []string{"email"}
	shapes = append(shapes, shape(sealWith(t, cfg, seal.Claims{ID: "the-id", Custom: map[string]string{"email": "ada@example.com"}})))
	cfg.Recipients[0].ReadsAll, cfg.Recipients[0].Reads, cfg.Recipients[1].Reads = true, nil, []string{}
	shapes = append(shapes, shape(sealWith(t, cfg, seal.Claims{ID: "the-id"})))
	for _, other := range shapes[1:] {
		if other != shapes[0] {
			t.Errorf("tokens can be told apart: %q", shapes)
		}
	}
	if !strings.HasPrefix(shapes[0], "2 JWEs") {
		t.Error(shapes[0])
	}
}

// shape returns the number of JWEs and all lengths.
func shape(token string) string {
	jwes := jwesOf(token)
	text := fmt.Sprintf("%d JWEs in %d bytes:", len(jwes), len(token))
	for _, jwe := range jwes {
		for part := range strings.SplitSeq(jwe, ".") {
			text += fmt.Sprint(" ", len(part))
		}
	}
	return text
}
