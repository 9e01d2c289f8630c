package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// unseen are characters that a reader does not see, or that change what stands around them.
func unseen() []rune {
	var list []rune
	for _, r := range []struct{ from, to rune }{{0, 0x1f}, {0x7f, 0x9f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xe0000, 0xe007f}} {
		for c := r.from; c <= r.to; c++ {
			list = append(list, c)
		}
	}
	return append(list, 0xa0, 0xad, 0x61c, 0x115f, 0x180e, 0x2800, 0x3164, 0xfeff, 0xffa0, 0xfff9)
}

// isHidden reports what may not stand raw in a file.
func isHidden(r rune) bool {
	return r != '\n' && (!unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == 0x2800)
}

// active is markup that a browser would act on. The files have none, whatever is in the token.
var active = regexp.MustCompile(`(?i)<(a|img|script|iframe|object|embed|link|form|base|audio|video|foreignObject|use|image)\b|<[^>]*\s(href|src|srcset|style|on[a-z]+|action|formaction|background|data|poster|ping)=|url\(|@import`)

func checkFile(t *testing.T, html string) {
	t.Helper()
	if at := strings.IndexFunc(html, isHidden); at >= 0 {
		t.Errorf("a raw character: %q", html[max(0, at-40):min(len(html), at+10)])
	}
	if found := active.FindString(html); found != "" {
		t.Errorf("active markup: %q", found)
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(html, -1)
	meta := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatch(html)
	if len(style) != 1 || meta == nil {
		t.Fatal("the file has not one style sheet and one policy")
	}
	policy := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(meta[1])
	if want := "default-src 'none'; style-src " + Hash(style[0][1]) + "; base-uri 'none'; form-action 'none'"; policy != want {
		t.Errorf("the policy is %s and not %s", policy, want)
	}
	if strings.Index(html, meta[0]) > strings.Index(html, "<style>") {
		t.Error("the policy stands behind what it is for")
	}
	for _, want := range []string{`<html lang="en" translate="no">`, `<meta charset="utf-8">`, `name="viewport"`, `<meta name="referrer" content="no-referrer">`, `telephone=no`, "<main>", "<h1>", "</html>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the file lacks %s", want)
		}
	}
}

func TestHostileToken(t *testing.T) {
	harm := `</style></code></script><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a> https://evil.example/ {{.}} ' " ` + "`"
	for _, r := range unseen() {
		harm += string(r) + "a"
	}
	nested := `{"alg":"ES256","kid":` + quote(harm) + `}`
	for name, token := range map[string]string{
		"value":      jws(`{"a":` + quote(harm) + `}`),
		"name":       jws(`{` + quote(harm) + `:1}`),
		"deep":       jws(`{"a":{` + quote(harm[:200]) + `:[` + quote(harm) + `]}}`),
		"indented":   jws(`{"a":{"b":"` + strings.Repeat("\u202e", 50) + `","c":"\u009b"}}`),
		"header":     b64(nested) + "." + b64(`{"a":1}`) + "." + signature,
		"kid":        jwe(nested),
		"text":       jws(harm),
		"place":      jws(`{` + quote(harm[:100]) + `:` + quote(jws(`{"a":1}`)) + `}`),
		"sd":         jws(`{}`) + "~" + b64(`["salt",`+quote(harm)+`,`+quote(harm)+`]`) + "~",
		"raw":        jws("{\"a\u202e\":\"\xff\xfe\x9b\u202e\"}"),
		"cut off":    b64(`{"alg":"ES256"}`) + "." + b64(`{"a":`+quote(harm)),
		"twice":      jws(`{"a":1,"a":2,"A":3}`),
		"bad number": jws(`{"exp":1e400,"iat":-1,"nbf":null,"auth_time":99999999999999}`),
	} {
		t.Run(name, func(t *testing.T) { checkFile(t, tokenFile(t, token)) })
	}
}

// TestEscapes has each character stand as an escape that tells which one it is.
func TestEscapes(t *testing.T) {
	for _, r := range unseen() {
		want := fmt.Sprintf(`\u%04x`, r)
		if r > 0xffff {
			want = fmt.Sprintf(`\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
		if got := console.Printable("a" + string(r) + "b"); got != "a"+want+"b" {
			t.Errorf("%U is %q", r, got)
		}
	}
	for _, text := range []string{"", "plain", "Ünïcödé", "한국어", "日本", "🙂", "é", `\"`} {
		if got := console.Printable(text); got != text {
			t.Errorf("%q is %q", text, got)
		}
	}
	if got := console.Printable("a\xffb"); got != `a\xffb` {
		t.Errorf("a byte that is no character is %q", got)
	}
}

func TestHostileKeys(t *testing.T) {
	harm := `<script>alert(1)</script>"'` + "\u202e\u009b\x1b[31m"
	checkFile(t, keysFile(t, []keyring.KeyInfo{
		{ID: harm, Use: keys.UseSig, Suite: keys.ES256, State: keyring.Revoked, Created: testNow, Activated: testNow, Ended: testNow, Reason: harm},
		{ID: harm, Use: keys.UseEnc, State: keyring.Destroyed},
		{ID: "", Use: keys.UseEnc, Suite: keys.ECDHES, State: keyring.Active, Created: time.Unix(0, 0), Activated: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), WrongDate: testNow},
	}))
}

// FuzzToken renders whatever leak reads.
func FuzzToken(f *testing.F) {
	f.Add(jws(`{"email":"ada@example.com","exp":1,"a\u202e":"<script>"}`))
	f.Add(jwe(`{"alg":"dir","kid":"</style>"}`))
	f.Add(jws(`{"a":`+quote(jws(`{}`))) + "~" + b64(`["s","n",1]`))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := leak.Read(token); err != nil {
			return
		}
		checkFile(t, tokenFile(t, token))
	})
}
